import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { callEcho, listTools } from '../lib/calls.mjs';
import { openClient } from '../lib/compare.mjs';
import { until } from '../lib/load.mjs';
import { pinSelf, unpinSelf } from '../lib/processes.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startGateway, startUpstreams, stdioEntry } from '../lib/targets.mjs';

const SERVERS = 10;
const TOOLS_EACH = 23;
const INIT_DELAY_MS = 300;
const SLOW_MS = 3000;

export const benchmark = {
  name: 'cold-start',
  about: `${SERVERS} stdio servers that need ${INIT_DELAY_MS} ms each to open, from the start of the process to the complete list: cold, and warm from remembered lists. And one of two upstreams that needs ${SLOW_MS} ms: when the other answers. Nothing is pinned to a core here.`,
  budgets: [
    { metric: 'complete list after a cold start, ms', atMost: 1200 },
    { metric: 'complete list after a warm start, ms', atMost: 1000 },
    { metric: 'fast upstream answers after the ready line, ms', atMost: 300 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    unpinSelf();
    const remembered = mkdtempSync(path.join(tmpdir(), 'signalbox-bench-warm-'));
    await measureList(program, { folder: remembered });
    const starts = await alternate(['cold', 'warm'], {
      rounds: quick ? 3 : 7,
      measure: (variant) => measureList(program, { folder: variant === 'warm' ? remembered : undefined }),
    });
    const besideSlow = await alternate(['beside a slow upstream', 'alone'], {
      rounds: quick ? 2 : 5,
      measure: (variant) => measureFirstCall(program, { withSlow: variant !== 'alone' }),
    });
    rmSync(remembered, { recursive: true, force: true });
    pinSelf();

    const valuesOf = (samples, variant, metric) => summarize(samples.get(variant).map((sample) => sample[metric]));
    return {
      rows: [...toRows(starts, `${SERVERS} stdio servers`), ...toRows(besideSlow, 'first call')],
      metrics: {
        'complete list after a cold start, ms': valuesOf(starts, 'cold', 'listedMs'),
        'complete list after a warm start, ms': valuesOf(starts, 'warm', 'listedMs'),
        'warm to cold': ratio(starts, 'listedMs', { of: 'warm', to: 'cold' }),
        'fast upstream answers after the ready line, ms': valuesOf(besideSlow, 'beside a slow upstream', 'answeredAfterReadyMs'),
        'fast upstream answers after the start, ms': valuesOf(besideSlow, 'beside a slow upstream', 'answeredMs'),
      },
    };
  },
};

async function measureList(program, { folder }) {
  const names = Array.from({ length: SERVERS }, (_, index) => `s${index}`);
  const entryOf = (name) => stdioEntry({ prefix: `${name}_`, tools: TOOLS_EACH, initDelayMs: INIT_DELAY_MS, core: undefined });
  const config = { mcpServers: Object.fromEntries(names.map((name) => [name, entryOf(name)])) };
  const gateway = await startGateway(program, config, { folder, isPinned: false });
  const client = await openClient(gateway);
  await until(() => listedAll(client), { timeoutMs: 20_000 });
  const listedMs = performance.now() - gateway.startedAt;
  client.close();
  await gateway.stop();
  return { readyMs: gateway.readyMs, listedMs };
}

async function listedAll(client) {
  const { tools } = await client.request('tools/list');
  if (tools.length < SERVERS * TOOLS_EACH) return undefined;
  await listTools(client, SERVERS * TOOLS_EACH);
  return true;
}

async function measureFirstCall(program, { withSlow }) {
  const upstreams = await startUpstreams({ initDelayMs: SLOW_MS });
  const slow = withSlow ? { slow: { url: upstreams.url('slow') } } : {};
  // The slow one stands first, where it would hold up a start in order of the configuration.
  const config = { mcpServers: { ...slow, fast: { url: upstreams.url(6) } } };
  const gateway = await startGateway(program, config, { isPinned: false });
  const client = await openClient(gateway);
  await until(() => tryEcho(client), { timeoutMs: 20_000 });
  const answeredMs = performance.now() - gateway.startedAt;
  client.close();
  await gateway.stop();
  await upstreams.stop();
  return { readyMs: gateway.readyMs, answeredMs, answeredAfterReadyMs: answeredMs - gateway.readyMs };
}

// A refusal means the upstream is not there yet; a wrong answer is none the less caught by the checks of the other benchmarks.
async function tryEcho(client) {
  try {
    await callEcho(client);
    return true;
  } catch (error) {
    if (/refused|failed/.test(error.message)) return undefined;
    throw error;
  }
}
