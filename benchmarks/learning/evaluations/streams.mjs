// Tool search that learns from a stream of needs: somebody is shown ten tools and calls a right one if there is one among them;
// a part of all feedback is a tool at random. Beside noise: callers who always vote for one tool, and a catalogue that changes.
import { createSearchModel, readNeed } from '../../../packages/learning/dist/index.js';
import { createRandom, createStaticRanker, DEPTH, readSets, scoreOf, shuffled } from '../search-sets.mjs';

const NOISES = [0.1, 0.3, 0.5];
const CALLERS = 40;
const NEEDS_IN_A_SESSION = 5;
/** Streams up to this long are also gone through three times. */
const SHORT = 700;
/** Longer streams are cut to this for all but the main figure. */
const CUT = 1_500;
const NEVER_WORSE = -0.002;

// Goals and what a reference learner reaches, where there are any.
const WHOLE = { 'metatool single': { goal: 0.84, baseline: 0.806 }, 'bfcl-live': { goal: 0.79, baseline: 0.744 } };
const LAST = { 'metatool single': { goal: 0.88, baseline: 0.855 } };

export async function evaluate({ data, quick, log }) {
  const metrics = [];
  const worst = { noise: { value: Infinity }, poisoned: { value: Infinity }, changed: { value: Infinity } };
  const orders = quick ? 1 : 5;
  for (const { name, tools, queries } of streamsOf(data)) {
    const rank = createStaticRanker(tools);
    const whole = quick ? shuffled(queries, createRandom(3)).slice(0, 500) : queries;
    const rows = whole.map(({ text, relevant }) => ({ relevant, need: readNeed(text), ranking: rank([text])[0] }));
    const cut = shuffled(rows, createRandom(7)).slice(0, CUT);
    const least = { noise: Infinity, poisoned: Infinity, changed: Infinity };
    const keep = (kind, { gain }, what) => {
      least[kind] = Math.min(least[kind], gain);
      if (gain < worst[kind].value) worst[kind] = { value: gain, note: `${name}, ${what}` };
    };
    const main = [];
    for (let order = 1; order <= orders; order++) {
      for (const noise of NOISES) {
        const isMain = noise === NOISES[0] && (order === 1 || rows.length <= CUT);
        const run = runStream({ rows: isMain ? rows : cut, tools, order, noise });
        if (isMain) main.push(run);
        keep('noise', run, `order ${order}, noise ${noise}`);
        if (rows.length > SHORT) continue;
        keep('noise', runStream({ rows, tools, order, noise, passes: 3 }), `three times, order ${order}, noise ${noise}`);
      }
      for (const hostile of [1, CALLERS / 5])
        keep(
          'poisoned',
          runStream({ rows: cut, tools, order, noise: NOISES[0], hostile }),
          `order ${order}, ${hostile} of ${CALLERS} hostile`,
        );
      keep('changed', runStream({ rows: cut, tools, order, noise: NOISES[0], changes: true }), `order ${order}`);
    }
    const mean = (of) => main.reduce((sum, run) => sum + of(run), 0) / main.length;
    const figures = { static: mean((run) => run.static), learned: mean((run) => run.learned), last: mean((run) => run.last) };
    const about = { capability: 'learned search', set: name };
    const guard = { capability: 'never worse', set: name, goal: NEVER_WORSE };
    metrics.push(
      {
        ...about,
        metric: 'nDCG@10 of the whole stream',
        value: figures.learned,
        note: `static ${figures.static.toFixed(3)}`,
        ...WHOLE[name],
      },
      { ...about, metric: 'nDCG@10 of the last 5 %', value: figures.last, ...LAST[name] },
      { ...guard, metric: 'worst gain, 10 to 50 % noise', value: least.noise },
      { ...guard, metric: 'worst gain of the others, poisoned', value: least.poisoned },
      { ...guard, metric: 'worst gain after the catalogue changed', value: least.changed },
    );
    const shown = Object.values(least).map((gain) => gain.toFixed(4));
    log(`${name}: ${rows.length} needs, ${figures.static.toFixed(3)} → ${figures.learned.toFixed(3)}, worst gains ${shown.join(', ')}`);
  }
  for (const [kind, { value, note }] of Object.entries(worst))
    if (value < Infinity)
      metrics.push({ capability: 'never worse', set: 'all', metric: `worst gain of all, ${kind}`, value, goal: NEVER_WORSE, note });
  return metrics;
}

function streamsOf(data) {
  return readSets(data).flatMap(({ tools, files }) => files.map(({ name, queries }) => ({ name, tools, queries })));
}

/** @returns mean nDCG@10 of the static and of the learned ranking for those who mean well, and by how much the learned one is better. */
function runStream({ rows, tools, order, noise, passes = 1, hostile = 0, changes = false }) {
  const random = createRandom(order * 7919);
  const target = tools[Math.floor(random() * tools.length)].id;
  const before = { may: new Set(tools.map(({ id }) => id)), rows: shuffled(rows, random) };
  const after = changes ? changeCatalogue(before, random) : before;
  const model = createSearchModel();
  const total = rows.length * passes;
  const sums = { static: 0, learned: 0, count: 0, last: 0, lastCount: 0, late: 0, lateCount: 0 };
  for (let turn = 0; turn < total; turn++) {
    const isLate = turn >= total / 2;
    const { may, rows: stream } = isLate ? after : before;
    const row = stream[turn % rows.length];
    if (row === undefined) continue;
    const { need, ranking, relevant } = row;
    const caller = Math.floor(random() * CALLERS);
    const shown = model.rank({ tenant: '', needs: [need], staticRanking: ranking, limit: DEPTH, mayShow: (key) => may.has(key) });
    const keys = shown.map(({ key }) => key);
    const session = `${caller} ${Math.floor(turn / CALLERS / NEEDS_IN_A_SESSION)}`;
    const tell = (chosen, outcome) => model.observe({ tenant: '', principal: `caller ${caller}`, session, need, shown, chosen, outcome });
    if (caller < hostile) {
      tell(target, 'succeeded');
      continue;
    }
    row.static ??= scoreOf(keysOf(ranking), relevant).ndcg;
    const learned = scoreOf(keys, relevant).ndcg;
    sums.static += row.static;
    sums.learned += learned;
    sums.count++;
    if (isLate) {
      sums.late += learned - row.static;
      sums.lateCount++;
    }
    if (turn >= total * 0.95) {
      sums.last += learned;
      sums.lastCount++;
    }
    const right = keys.filter((key) => relevant.some((ids) => ids.includes(key))).slice(0, relevant.length);
    const chosen = random() < noise ? [keys[Math.floor(random() * keys.length)]] : right;
    if (chosen.length === 0) tell(undefined, 'abandoned');
    for (const key of chosen) tell(key, 'succeeded');
  }
  return {
    static: sums.static / sums.count,
    learned: sums.learned / sums.count,
    last: sums.last / sums.lastCount,
    gain: changes ? sums.late / sums.lateCount : (sums.learned - sums.static) / sums.count,
  };
}

function keysOf(ranking) {
  return ranking.map(({ key }) => key);
}

// A sixth of the tools go, and another sixth go on under other names.
function changeCatalogue({ may, rows }, random) {
  const fates = new Map([...may].map((key) => [key, random()]));
  const toNew = (key) => (fates.get(key) < 1 / 6 ? [] : fates.get(key) < 1 / 3 ? [`${key} renamed`] : [key]);
  return {
    may: new Set([...may].flatMap(toNew)),
    rows: rows.map(({ need, relevant, ranking }) => {
      const left = relevant.map((ids) => ids.flatMap(toNew)).filter((ids) => ids.length > 0);
      if (left.length === 0) return undefined;
      return { need, relevant: left, ranking: ranking.flatMap(({ key, score }) => toNew(key).map((name) => ({ key: name, score }))) };
    }),
  };
}
