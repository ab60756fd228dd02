import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeResult, runSuite } from './run-suite.mjs';
import { startProcess } from './start-process.mjs';

const suites = [
  { suite: '0.1.16', version: '0.1.16', args: ['--suite', 'all'], checks: 47 },
  { suite: '2025-11-25', version: '0.2.0-alpha.12', args: ['--requirements', '2025-11-25'], checks: 84 },
  { suite: '2026-07-28', version: '0.2.0-alpha.12', args: ['--requirements', '2026-07-28'], checks: 196 },
];
const fixture = fileURLToPath(new URL('fixture/server.mjs', import.meta.url));
const signalbox = fileURLToPath(new URL('../../apps/gateway/bin/signalbox.js', import.meta.url));
const baseline = (name: string) => fileURLToPath(new URL(`baseline/${name}.yml`, import.meta.url));

describe('the fixture, asked directly', () => {
  let running: Awaited<ReturnType<typeof startProcess>>;
  beforeAll(async () => void (running = await startProcess([fixture, '--port', '0'])));
  afterAll(() => running?.stop());

  test.each(suites)('passes all $checks checks of $suite', async ({ version, args, checks }) => {
    const result = await runSuite({ version, args, url: running.url });

    expect(describeResult(result)).toMatch(new RegExp(`^${checks} checks passed, 0 failed, in \\d+ ms$`));
  });

  test('a stale entry in the baseline fails the run', async () => {
    const result = await runSuite({
      version: '0.1.16',
      args: ['--scenario', 'ping'],
      url: running.url,
      expectedFailures: baseline('stale'),
    });

    expect(result).toMatchObject({ passed: 1, failed: 0, stale: ['ping'], ok: false });
  });
});

test('a failing check that the baseline does not list fails the run', async () => {
  const paged = await startProcess([fixture, '--port', '0', '--page-size', '7']);
  try {
    const result = await runSuite({ version: '0.1.16', args: ['--scenario', 'json-schema-2020-12'], url: paged.url });

    expect(result).toMatchObject({ ok: false, unexpected: [{ scenario: 'json-schema-2020-12', id: 'json-schema-2020-12-tool-found' }] });
  } finally {
    await paged.stop();
  }
});

// The newest revision's suite waits out a minute of timeouts in the scenarios of the baseline, so it is run once.
const combinations = [
  { upstream: 'stdio', names: ['0.1.16', '2025-11-25'] },
  { upstream: 'http', names: ['0.1.16', '2026-07-28'] },
];

describe.each(combinations)('the gateway in front of the fixture over $upstream', ({ upstream, names }) => {
  const started: { stop: () => Promise<void> }[] = [];
  let folder: string;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-conformance-'));
    const config = join(folder, 'signalbox.json');
    await writeFile(config, JSON.stringify({ mcpServers: { fixture: await toEntry() } }));
    const gateway = await startProcess([signalbox, 'serve', '--config', config, '--port', '0', '--data', join(folder, 'data')]);
    started.unshift(gateway);
    url = gateway.url;
    await waitForTool(url, 'test_simple_text');
  }, 60_000);

  afterAll(async () => {
    for (const each of started) await each.stop();
    await rm(folder, { recursive: true, force: true });
  }, 30_000);

  test.each(suites.filter(({ suite }) => names.includes(suite)))(
    'fails nothing of $suite but what the baseline lists',
    async ({ suite, version, args }) => {
      const result = await runSuite({ version, args, url, expectedFailures: baseline(`${upstream}-${suite}`) });

      expect(describeResult(result).split('\n').slice(1)).toEqual([]);
      expect(result.ok).toBe(true);
    },
  );

  async function toEntry() {
    if (upstream === 'stdio') return { command: process.execPath, args: [fixture, '--stdio'] };
    const server = await startProcess([fixture, '--port', '0']);
    started.push(server);
    return { url: server.url };
  }
});

/** The gateway serves before its upstreams are up, so wait until the list has the tool. */
async function waitForTool(url: string, name: string) {
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/list',
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
  let answer = '';
  for (let attempt = 0; attempt < 100; attempt++) {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(5_000) });
    answer = await response.text();
    if (answer.includes(`"${name}"`)) return;
    await sleep(100);
  }
  throw new Error(`The gateway does not list "${name}"; its last answer: ${answer}`);
}
