// Which tool a session calls next, told before each call and learned from after it. Sessions in random order, mean of five orders;
// the first call of a session is not scored.
import { createNextToolModel, readNeed } from '../../../packages/learning/dist/index.js';
import { createRandom, shuffled } from '../search-sets.mjs';
import { readTraces } from '../traces.mjs';

// Goals with what a mixture of Markov models reaches, by how the name of a set begins.
const BARS = [
  [/^livemcp/, { hit1: [0.52, 0.481], hit3: [0.68, 0.625] }],
  [/^toolbench-gpt35/, { hit1: [undefined, 0.32], hit3: [undefined, 0.479] }],
  [/^toolbench/, { hit1: [0.43, 0.378], hit3: [0.58, 0.503] }],
  [/^tau2/, { hit1: [0.76, 0.741], hit3: [0.955, 0.949] }],
  [/^tau-airline/, { hit1: [undefined, 0.541], hit3: [undefined, 0.757] }],
  [/^tau-retail/, { hit1: [undefined, 0.521], hit3: [undefined, 0.765] }],
  [/^bfcl/, { hit1: [undefined, 0.517], hit3: [undefined, 0.679] }],
];
/** Share of positions at which a call is made ahead. */
const COVERAGE = 0.2;

export async function evaluate({ data, quick, log }) {
  const metrics = [];
  for (const { set, sessions } of readTraces(data)) {
    const orders = quick ? 1 : 5;
    const runs = Array.from({ length: orders }, (_, order) => run(sessions, order + 1));
    const mean = (of) => runs.reduce((sum, each) => sum + of(each), 0) / orders;
    if (!runs.every(({ scored }) => scored > 0)) continue;
    const bars = BARS.find(([name]) => name.test(set))?.[1] ?? {};
    const capability = 'next tool';
    const bar = ([goal, baseline] = []) => ({ ...(goal !== undefined && { goal }), ...(baseline !== undefined && { baseline }) });
    const [hit1, hit3] = [mean((each) => each.hit1 / each.scored), mean((each) => each.hit3 / each.scored)];
    metrics.push(
      { capability, set, metric: 'hit@1', value: hit1, ...bar(bars.hit1) },
      { capability, set, metric: 'hit@3', value: hit3, ...bar(bars.hit3) },
      {
        capability: 'speculation',
        set,
        metric: `precision of the surest ${COVERAGE * 100} %, any tool`,
        value: mean((each) => precisionAt(each.told, COVERAGE)),
        goal: 0.8,
      },
      {
        capability: 'cost',
        set,
        metric: 'telling what comes next, mean µs',
        value: mean((each) => each.predictUs),
        goal: 1000,
        better: 'less',
      },
      { capability: 'cost', set, metric: 'learning from a call, mean µs', value: mean((each) => each.learnUs), goal: 1000, better: 'less' },
    );
    log(`${set}: hit@1 ${hit1.toFixed(3)}, hit@3 ${hit3.toFixed(3)}`);
  }
  return metrics;
}

function run(sessions, order) {
  const model = createNextToolModel();
  const result = { scored: 0, hit1: 0, hit3: 0, told: [], predictUs: 0, learnUs: 0 };
  let calls = 0;
  for (const session of shuffled(sessions, createRandom(order * 7919))) {
    const need = session.query === undefined ? [] : readNeed(session.query);
    for (const [index, { server, tool, ok }] of session.calls.entries()) {
      if (index > 0) {
        const begun = performance.now();
        const told = model.predict(session.id, { limit: 3, need });
        result.predictUs += (performance.now() - begun) * 1000;
        const place = told.findIndex((each) => each.upstream === server && each.tool === tool);
        result.scored++;
        if (place === 0) result.hit1++;
        if (place >= 0) result.hit3++;
        result.told.push({ share: told[0]?.share ?? 0, isRight: place === 0 });
      }
      const begun = performance.now();
      model.observe({ session: session.id, atMs: calls++, upstream: server, tool, isOk: ok ?? true, need });
      result.learnUs += (performance.now() - begun) * 1000;
    }
  }
  result.predictUs /= Math.max(1, result.scored);
  result.learnUs /= Math.max(1, calls);
  return result;
}

function precisionAt(told, coverage) {
  const surest = told.toSorted((a, b) => b.share - a.share).slice(0, Math.max(1, Math.round(told.length * coverage)));
  return surest.filter(({ isRight }) => isRight).length / surest.length;
}
