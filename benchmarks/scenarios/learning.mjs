import { createMemoryStore } from '../../packages/storage/dist/index.js';
import { silentLogger, systemClock } from '../../packages/core/dist/index.js';
import { startLearner } from '../../packages/learning/dist/index.js';
import { callEcho } from '../lib/calls.mjs';
import { compareTargets, countConnections } from '../lib/compare.mjs';
import { ratio, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const CASES = [16, 64];
const VARIANTS = [
  ['off', { enabled: false }],
  ['on', { enabled: true }],
  ['starved', { enabled: true, maxCpuShare: 0.01 }],
];
/** One process of a program is up to a tenth faster than the next one, so several of each are measured. */
const SETS = 4;
const TOLD = 20_000;
const ROUNDS = 5;
const CONFIG = {
  keepFacts: 100_000,
  commitSeconds: 60,
  maxMemoryMb: 256,
  maxCpuShare: 0.2,
  anomalies: { enabled: true, alertsPerDay: 20, settleDays: 3 },
};
const FACT = {
  kind: 'call',
  sequence: 1,
  atMs: 1_800_000_000_000,
  tenant: '',
  principal: '0123456789abcdef',
  session: 'fedcba9876543210',
  client: 'bench',
  policyVersion: 0,
  arms: [],
  upstream: 'bench',
  tool: 'echo',
  toolVersion: '0123456789abcdef',
  effect: 'read',
  argsKey: '0123456789abcdef',
  argsShape: ['text:string'],
  argsBytes: 120,
  resultBytes: 200,
  resultKey: '',
  ending: 'ok',
  errorCode: '',
  durationMs: 5,
  queueMs: 0,
  attempts: 1,
  cached: false,
};

export const benchmark = {
  name: 'learning',
  about:
    'tools/call to an HTTP upstream with learning off, on, and on with a hundredth of a core; and what it costs the path to tell of a call while the thread that learns is well, dead, or hangs.',
  budgets: [
    ...CASES.flatMap((connections) => [
      { metric: `rate with learning to without, ${countConnections(connections)}`, atLeast: 0.97 },
      { metric: `rate with learning starved to without, ${countConnections(connections)}`, atLeast: 0.97 },
    ]),
    ...['well', 'dead', 'hung'].map((state) => ({ metric: `telling of a call, ${state}, µs`, atMost: 3 })),
  ],

  async run({ quick, programs }) {
    const upstreams = await startUpstreams();
    const mcpServers = { bench: { url: upstreams.url(6) } };
    const [[, program]] = programs;
    const all = new Map(CASES.map((connections) => [connections, new Map(VARIANTS.map(([variant]) => [variant, []]))]));
    for (let set = 0; set < (quick ? 1 : SETS); set++) {
      const targets = new Map();
      for (const turn of VARIANTS.keys()) {
        const [variant, learning] = VARIANTS[(set + turn) % VARIANTS.length];
        targets.set(variant, await startReadyGateway(program, { mcpServers, learning }));
      }
      for (const connections of CASES) {
        const samples = await compareTargets(targets, { connections, call: callEcho, quick });
        for (const [variant, measured] of samples)
          all
            .get(connections)
            .get(variant)
            .push(...measured);
      }
      for (const gateway of targets.values()) await gateway.stop();
    }
    const rows = [];
    const metrics = {};
    for (const [connections, samples] of all) {
      const label = countConnections(connections);
      rows.push(...toRows(samples, label));
      metrics[`rate with learning to without, ${label}`] = ratio(samples, 'callsPerSecond', { of: 'on', to: 'off' });
      metrics[`rate with learning starved to without, ${label}`] = ratio(samples, 'callsPerSecond', { of: 'starved', to: 'off' });
      metrics[`CPU per call with learning to without, ${label}`] = ratio(samples, 'cpuUs', { of: 'on', to: 'off' });
    }
    await upstreams.stop();
    for (const [state, us] of await tellingCosts()) metrics[`telling of a call, ${state}, µs`] = summarize(us);
    return { rows, metrics };
  },
};

async function tellingCosts() {
  const store = createMemoryStore();
  const well = startLearner({ store, config: CONFIG, clock: systemClock, logger: silentLogger });
  // A store that never answers: the thread waits for it, and its ring fills up.
  const stuck = { ...store, commit: () => new Promise(() => undefined) };
  const hung = startLearner({ store: stuck, config: CONFIG, clock: systemClock, logger: silentLogger, hungMs: 600_000 });
  for (const thread of [well, hung]) while (thread.state !== 'learning') await new Promise((resolve) => setTimeout(resolve, 20));
  const costs = [['well', tell(well)]];
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  for (let round = 0; round < 5; round++) {
    tell(hung);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  costs.push(['hung', tell(hung)]);
  await well.worker?.terminate();
  costs.push(['dead', tell(well)]);
  await Promise.all([well.close(), hung.worker?.terminate()]);
  await hung.close();
  return costs;
}

function tell(thread) {
  return Array.from({ length: ROUNDS }, () => {
    const begun = performance.now();
    for (let index = 0; index < TOLD; index++) thread.tell(FACT);
    return ((performance.now() - begun) * 1000) / TOLD;
  });
}
