// Whether a call will fail, told before it is made and learned from after it. Sessions in random order, mean of five orders. Nothing of
// the answer is looked at, and of sets only those that say how calls ended.
import { createHash } from 'node:crypto';
import { createFailureModel } from '../../../packages/learning/dist/index.js';
import { createRandom, shuffled } from '../search-sets.mjs';
import { readTraces } from '../traces.mjs';

const BARS = [
  [/^livemcp/, { auc: [0.935, 0.924], brier: [0.065, 0.0701] }],
  [/^tau-airline/, { auc: [undefined, 0.914], brier: [undefined, 0.0425] }],
];

export async function evaluate({ data, quick, log }) {
  const metrics = [];
  for (const { set, sessions } of readTraces(data)) {
    const calls = sessions.flatMap((session) => session.calls.filter(({ ok }) => typeof ok === 'boolean'));
    const failed = calls.filter(({ ok }) => !ok).length;
    if (failed < 5 || failed === calls.length) continue;
    const orders = quick ? 1 : 5;
    const runs = Array.from({ length: orders }, (_, order) => run(sessions, order + 1));
    const mean = (of) => runs.reduce((sum, each) => sum + of(each), 0) / orders;
    const bars = BARS.find(([name]) => name.test(set))?.[1] ?? {};
    const bar = ([goal, baseline] = []) => ({ ...(goal !== undefined && { goal }), ...(baseline !== undefined && { baseline }) });
    const [auc, brier] = [mean(({ told }) => aucOf(told)), mean(({ told }) => brierOf(told))];
    const about = { capability: 'failure', set, note: `${failed} of ${calls.length} fail` };
    metrics.push(
      { ...about, metric: 'AUC', value: auc, ...bar(bars.auc) },
      { ...about, metric: 'Brier', value: brier, ...bar(bars.brier), better: 'less' },
      {
        capability: 'cost',
        set,
        metric: 'telling whether a call fails, and learning from it, mean µs',
        value: mean(({ us }) => us),
        goal: 1000,
        better: 'less',
      },
    );
    log(`${set}: AUC ${auc.toFixed(3)}, Brier ${brier.toFixed(4)}`);
  }
  return metrics;
}

function run(sessions, order) {
  const model = createFailureModel();
  const told = [];
  let calls = 0;
  let us = 0;
  for (const session of shuffled(sessions, createRandom(order * 7919))) {
    for (const { server, tool, ok, args } of session.calls) {
      if (typeof ok !== 'boolean') continue;
      const attempt = {
        session: session.id,
        atMs: calls++,
        upstream: server,
        tool,
        argsShape: Object.entries(args ?? {})
          .map(([name, value]) => `${name}:${typeOf(value)}`)
          .toSorted(),
        argsKey: args === undefined ? '' : createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 16),
      };
      const begun = performance.now();
      told.push([model.risk(attempt), ok ? 0 : 1]);
      model.observe({ ...attempt, isOk: ok });
      us += (performance.now() - begun) * 1000;
    }
  }
  return { told, us: us / Math.max(1, calls) };
}

function typeOf(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function brierOf(told) {
  return told.reduce((sum, [risk, failed]) => sum + (risk - failed) ** 2, 0) / told.length;
}

// Ties share the mean of their ranks.
function aucOf(told) {
  const sorted = told.toSorted(([a], [b]) => a - b);
  let [positives, ranks] = [0, 0];
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to][0] === sorted[from][0]) to++;
    for (let index = from; index < to; index++) {
      if (sorted[index][1] === 0) continue;
      positives++;
      ranks += (from + 1 + to) / 2;
    }
    from = to;
  }
  return (ranks - (positives * (positives + 1)) / 2) / (positives * (sorted.length - positives));
}
