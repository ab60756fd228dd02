import { describe, expect, test, vi } from 'vitest';
import { groups } from '../checks/all.mjs';
import { describeCheck } from '../report.mjs';
import { runCell } from '../run-cell.mjs';
import { serveHttp } from '../upstream/http.mjs';
import { createWorld } from '../upstream/world.mjs';
import { faults } from './faults.mjs';
import { startProxy } from './proxy.mjs';

const generations = ['modern', 'handshake'] as const;
type Generation = (typeof generations)[number];
// Enough for two calls with the same id to be in flight in each of the 64 callers.
const calls = 512;
const patienceMs = 3000;

// Most of the time they wait for what does not come.
vi.setConfig({ maxConcurrency: 24 });

test.each(generations)('the kit finds nothing wrong with a faithful proxy between a %s client and server', async (generation) => {
  // A plain proxy cannot keep a session whose server has forgotten it.
  const only = groups.filter((group) => generation === 'modern' || group !== 'restart');
  const failed = await runThroughProxy({ generation, options: { only } });

  expect(failed).toEqual([]);
});

describe.concurrent.each(generations)('the kit, between a %s client and server', (generation) => {
  for (const fault of faults.filter(({ client }) => client === undefined || client === generation)) {
    test(`finds out, in ${fault.group}, a proxy that ${fault.name}`, async ({ expect }) => {
      const failed = await runThroughProxy({ generation, fault, options: { only: [fault.group], stopsAtFailure: true } });

      expect(failed).toHaveLength(1);
    });
  }
});

interface Run {
  readonly generation: Generation;
  readonly fault?: (typeof faults)[number];
  readonly options: { readonly only: string[]; readonly stopsAtFailure?: boolean };
}

/** Resolves to the checks that failed, as text. */
async function runThroughProxy({ generation, fault, options }: Run): Promise<string[]> {
  const [direct, behind] = [await serve(generation), await serve(generation)];
  const proxy = await startProxy({ target: behind.url, ...(fault === undefined ? {} : { fault }) });
  try {
    const cell = { client: generation, server: generation, transport: 'http', url: proxy.url, directUrl: direct.url, prefix: '' };
    const { checks, reason } = await runCell(cell, { calls, patienceMs, ...options });
    if (reason !== undefined) throw new Error(reason);
    return checks.filter(({ status }) => status === 'fail').map((check) => describeCheck(check, cell));
  } finally {
    for (const running of [proxy, behind, direct]) running.close();
  }
}

function serve(era: Generation) {
  return serveHttp({ createWorld: (restart: () => void) => createWorld({ name: 'kit', restart }), era, port: 0 });
}
