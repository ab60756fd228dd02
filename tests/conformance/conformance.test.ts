import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeResult, runClientSuite, runSuite } from './run-suite.mjs';
import { baselinePath, clientCommand, clientSuites, serverSuites } from './suites.mjs';
import { startFixture, startThroughGateway } from './through-gateway.mjs';

const stale = fileURLToPath(new URL('baseline/stale.yml', import.meta.url));

describe('the fixture, asked directly', () => {
  let running: Awaited<ReturnType<typeof startFixture>>;
  beforeAll(async () => void (running = await startFixture()));
  afterAll(() => running?.stop());

  test.each(serverSuites)('passes all $direct checks of $name', async ({ version, args, direct }) => {
    const result = await runSuite({ version, args, url: running.url });

    expect(describeResult(result)).toMatch(new RegExp(`^${direct} checks passed, 0 failed, in \\d+ ms$`));
  });

  test('a stale entry in the baseline fails the run', async () => {
    const result = await runSuite({ version: '0.1.16', args: ['--scenario', 'ping'], url: running.url, expectedFailures: stale });

    expect(result).toMatchObject({ passed: 1, failed: 0, stale: ['ping'], ok: false });
  });
});

test('a failing check that the baseline does not list fails the run', async () => {
  const paged = await startFixture({ pageSize: 7 });
  try {
    const result = await runSuite({ version: '0.1.16', args: ['--scenario', 'json-schema-2020-12'], url: paged.url });

    expect(result).toMatchObject({ ok: false, unexpected: [{ scenario: 'json-schema-2020-12', id: 'json-schema-2020-12-tool-found' }] });
  } finally {
    await paged.stop();
  }
});

// The newest revision's suite waits out a minute of timeouts in the scenarios of the baseline, so it is run once here;
// `matrix.mjs` runs all combinations.
const combinations = [
  { transport: 'stdio', era: 'both', names: ['0.1.16', '2025-11-25'] },
  { transport: 'http', era: 'both', names: ['2026-07-28'] },
  { transport: 'http', era: 'handshake', names: ['0.1.16', '2025-11-25'] },
  { transport: 'stdio', era: 'modern', names: ['0.1.16', '2025-11-25'] },
] as const;

describe.each(combinations)('the gateway in front of the fixture ($era) over $transport', ({ transport, era, names }) => {
  let running: Awaited<ReturnType<typeof startThroughGateway>>;
  beforeAll(async () => void (running = await startThroughGateway({ transport, era })), 60_000);
  afterAll(() => running?.stop(), 30_000);

  test.each(serverSuites.filter(({ name }) => names.some((each) => each === name)))(
    'fails nothing of $name but what the baseline lists',
    async ({ name, version, args }) => {
      const result = await runSuite({ version, args, url: running.url, expectedFailures: baselinePath(`${era}-${name}`) });

      expect(describeResult(result).split('\n').slice(1)).toEqual([]);
      expect(result.ok).toBe(true);
    },
  );
});

describe('the gateway as a client of the suite', () => {
  test.each(clientSuites)('fails nothing of $name but what the baseline lists', async ({ name, version, revision, scenarios }) => {
    const result = await runClientSuite({ version, revision, scenarios, command: clientCommand, expectedFailures: baselinePath(name) });

    expect(describeResult(result).split('\n').slice(1)).toEqual([]);
    expect(result.ok).toBe(true);
  });
});
