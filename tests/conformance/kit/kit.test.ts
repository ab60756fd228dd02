import { describe, expect, test, vi } from 'vitest';
import { fileURLToPath } from 'node:url';
import { allChecks } from './checks/all.mjs';
import { compareWithKnown, isNamed, readKnownFailures } from './known.mjs';
import { runMatrix } from './run-matrix.mjs';
import { startGateway } from './targets/signalbox.mjs';

const known = await readKnownFailures(fileURLToPath(new URL('known-failures.txt', import.meta.url)));
// Enough for all 64 callers to be at it; the command line makes as many as it is told.
const calls = 1280;
const clients = ['modern', 'handshake'];

// Each starts five processes or more, and some checks are about who is first.
vi.setConfig({ maxConcurrency: 2 });

describe.concurrent('Signalbox', () => {
  for (const { server, transport } of [
    { server: 'modern', transport: 'http' },
    { server: 'modern', transport: 'stdio' },
    { server: 'handshake', transport: 'http' },
    { server: 'handshake', transport: 'stdio' },
  ]) {
    test(`is transparent in front of a ${server} server over ${transport}, but for what is known`, async ({ expect }) => {
      const results = await runMatrix({ startGateway, servers: [server], transports: [transport], clients, calls });

      expect(compareWithKnown(results, known)).toEqual({ unexpected: [], stale: [] });
      expect(results).toHaveLength(clients.length);
    });
  }
});

test('every known failure names a check that exists', () => {
  const unknown = known.filter(({ group, name }) => !allChecks.some((check) => check.group === group && isNamed(name, check.name)));

  expect(unknown).toEqual([]);
});
