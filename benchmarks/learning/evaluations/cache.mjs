// May a call be answered with the result of a similar one? Pairs stream by in random orders; each is served or not, and where it is not
// served, or is one of the few hits that are checked, its truth is learned. The bound must hold in every order.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { candidateKey, compareArguments, createFreshnessModel, createSimilarityModel } from '../../../packages/learning/dist/index.js';
import { readRows } from '../search-sets.mjs';

const checkedShare = 0.05;

export async function evaluate({ data, quick, log }) {
  const folder = path.join(data, 'semantic-cache');
  const files = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => file.endsWith('.jsonl'))
        .toSorted()
    : [];
  const schemas = schemasIn(path.join(data, 'tool-retrieval'));
  const metrics = [];
  for (const file of files) {
    const pairs = readRows(path.join(folder, file)).filter(
      ({ a, b, same }) => a !== undefined && b !== undefined && typeof same === 'boolean',
    );
    if (pairs.length === 0) continue;
    const name = path.basename(file, '.jsonl');
    const isOfQuestions = pairs.every(({ a }) => typeof a === 'string');
    const variants = [{ set: name, of: (pair) => pair.inputSchema }];
    if (!isOfQuestions && pairs.some(({ tool }) => schemas.has(tool)))
      variants.push({ set: `${name}, schemas known`, of: ({ tool, inputSchema }) => inputSchema ?? schemas.get(tool) });
    for (const { set, of } of variants) {
      const rows = pairs.map((pair) => ({
        tool: String(pair.tool ?? ''),
        isSame: pair.same,
        difference: compareArguments(pair, { inputSchema: of(pair) }),
      }));
      for (const maxWrong of [0.01, 0.02, 0.05])
        metrics.push(...stream({ set, rows, maxWrong, orders: quick ? 5 : 20, isOfQuestions, log }));
    }
    const begunAt = performance.now();
    for (const pair of pairs) compareArguments(pair);
    const micros = ((performance.now() - begunAt) * 1000) / pairs.length;
    metrics.push({ capability: 'cost', set: name, metric: 'comparing two calls, mean, µs', value: micros, better: 'less' });
    metrics.push({ capability: 'cost', set: name, metric: 'looking for a similar call, mean, µs', value: lookUp(pairs), better: 'less' });
  }
  metrics.push(...(await playWorlds({ calls: quick ? 8_000 : 40_000, log })));
  return metrics;
}

/** What the path does: a key of each call, and where there is a candidate of the same key, a comparison and a judgement. */
function lookUp(pairs) {
  const model = createSimilarityModel();
  const known = new Map(pairs.map(({ tool, a }) => [`${tool} ${candidateKey(a)}`, a]));
  const begunAt = performance.now();
  for (const { tool, b } of pairs) {
    const a = known.get(`${tool} ${candidateKey(b)}`);
    if (a !== undefined) model.judge({ tool, difference: compareArguments({ a, b }), maxWrong: 0.02 });
  }
  return ((performance.now() - begunAt) * 1000) / pairs.length;
}

/**
 * Worlds whose truth is known: a cache follows the plans, most hits never reach the upstream, and one in fifty is checked. What counts is
 * the share of stale answers among all that were served, whether they were checked or not.
 */
function playWorlds({ calls, log }) {
  const of = { capability: 'cache plan', set: 'simulated' };
  const maxWrong = 0.01;
  const metrics = [];
  let worst = 0;
  const updates = [];
  for (const { name, changeEveryMs, writes, isReadHeld = true } of worlds) {
    const random = createRandom(name.length * 7919);
    const model = createFreshnessModel();
    const states = new Map();
    const cached = new Map();
    const tool = 'u/get@1';
    const effect = isReadHeld ? 'read' : 'unknown';
    let [atMs, hits, stale, reads] = [0, 0, 0, 0];
    let plan = model.plan({ tool, effect, maxWrong });
    for (let call = 0; call < calls; call++) {
      atMs += -Math.log(random() + 1e-12) * 2_000;
      if (call % 200 === 0) plan = model.plan({ tool, effect, maxWrong });
      const writer = writes?.find(({ share }) => random() < share);
      if (writer !== undefined) {
        const { upstream } = writer;
        model.observe({ kind: 'call', atMs, upstream, tool: writer.tool, effect: 'write', callKey: '', resultKey: '' });
        if (writer.isChanging) for (const state of states.values()) state.version++;
        const isDropping = plan.invalidatedBy.includes(writer.tool) || (upstream === 'u' && !plan.sparedBy.includes(writer.tool));
        if (isDropping) cached.clear();
        continue;
      }
      const key = Math.floor(random() ** 3 * 30);
      const state = states.get(key) ?? { version: 0, nextMs: atMs - Math.log(random() + 1e-12) * changeEveryMs };
      states.set(key, state);
      while (state.nextMs <= atMs)
        [state.version, state.nextMs] = [state.version + 1, state.nextMs - Math.log(random() + 1e-12) * changeEveryMs];
      reads++;
      const entry = cached.get(key);
      const isHit = plan.kind === 'exact' && entry !== undefined && atMs - entry.atMs < plan.ttlMs;
      if (isHit) {
        hits++;
        if (entry.version !== state.version) stale++;
        if (random() >= 0.02) continue;
        model.observe({ kind: 'check', tool, isSame: entry.version === state.version });
      } else {
        cached.set(key, { atMs, version: state.version });
      }
      const begunAt = performance.now();
      model.observe({ kind: 'call', atMs, upstream: 'u', tool, effect, callKey: String(key), resultKey: String(state.version) });
      updates.push((performance.now() - begunAt) * 1000);
    }
    const wrong = hits === 0 ? 0 : stale / hits;
    worst = Math.max(worst, wrong);
    metrics.push({ ...of, metric: `hits among calls, ${name}`, value: hits / reads, note: `stale ${wrong.toFixed(4)}` });
    log(
      `${name}: ${plan.kind} ${plan.ttlMs} ms, ${plan.reason}, by ${plan.invalidatedBy.join(' ') || 'none'}, spared ${plan.sparedBy.join(' ') || 'none'}`,
    );
  }
  updates.sort((a, b) => a - b);
  const p99 = updates[Math.floor(updates.length * 0.99)] ?? 0;
  metrics.push({
    capability: 'cost',
    set: 'simulated',
    metric: 'learning from a call how long results last, p99, µs',
    value: p99,
    goal: 1_000,
    better: 'less',
  });
  return [...metrics, { ...of, metric: `stale among hits at ≤ ${maxWrong}, worst world`, value: worst, goal: maxWrong, better: 'less' }];
}

const worlds = [
  { name: 'never changes', changeEveryMs: Infinity },
  { name: 'changes in a day', changeEveryMs: 86_400_000 },
  { name: 'changes in an hour', changeEveryMs: 3_600_000 },
  { name: 'changes in a second', changeEveryMs: 1_000 },
  { name: 'not held for a read', changeEveryMs: Infinity, isReadHeld: false },
  {
    name: 'changed by writes',
    changeEveryMs: Infinity,
    writes: [
      { upstream: 'u', tool: 'u/rename@1', share: 0.05, isChanging: true },
      { upstream: 'u', tool: 'u/log@1', share: 0.1, isChanging: false },
      { upstream: 'v', tool: 'v/push@1', share: 0.02, isChanging: true },
    ],
  },
];

function stream({ set, rows, maxWrong, orders, isOfQuestions, log }) {
  const reusable = rows.filter(({ isSame }) => isSame).length;
  const recalls = [];
  const wrongs = [];
  const reasons = {};
  let broken = 0;
  for (let order = 1; order <= orders; order++) {
    const random = createRandom(order * 7919);
    const model = createSimilarityModel();
    let [hits, wrong] = [0, 0];
    for (const row of shuffle(rows, random)) {
      const answer = model.judge({ tool: row.tool, difference: row.difference, maxWrong });
      const isChecked = random() < checkedShare;
      if (answer.isServed) {
        hits++;
        if (!row.isSame) wrong++;
        const kind = answer.reason === 'kind of edit' ? row.difference.kind : answer.reason;
        const counted = (reasons[kind] ??= { right: 0, wrong: 0 });
        counted[row.isSame ? 'right' : 'wrong']++;
      }
      if (!answer.isServed || isChecked) model.observe(row);
    }
    recalls.push(reusable === 0 ? 0 : (hits - wrong) / reusable);
    wrongs.push(hits === 0 ? 0 : wrong / hits);
    if (hits > 0 && wrong / hits > maxWrong) broken++;
  }
  const shares = Object.entries(reasons).map(
    ([kind, { right, wrong }]) => `${kind} ${right / orders}${wrong > 0 ? ` (wrong ${wrong / orders})` : ''}`,
  );
  log(`${set}, wrong ≤ ${maxWrong}, hits an order: ${shares.join(', ')}`);
  const about = { capability: 'verified cache', set };
  const recallGoal = isOfQuestions ? undefined : { 0.01: 0.4, 0.02: 0.25 }[maxWrong];
  const baseline = isOfQuestions ? undefined : { 0.02: 0, 0.05: 0.09 }[maxWrong];
  const mean = recalls.reduce((sum, value) => sum + value, 0) / recalls.length;
  return [
    {
      ...about,
      metric: `recall of reusable at wrong ≤ ${maxWrong}, mean of ${orders} orders`,
      value: mean,
      ...(recallGoal === undefined ? {} : { goal: recallGoal }),
      ...(baseline === undefined ? {} : { baseline }),
      note: `${maxWrong === 0.01 && recallGoal !== undefined ? 'moonshot; ' : ''}least ${Math.min(...recalls).toFixed(3)}`,
    },
    { ...about, metric: `wrong among hits, worst order, at ≤ ${maxWrong}`, value: Math.max(...wrongs), goal: maxWrong, better: 'less' },
    { ...about, metric: `orders in which the bound ${maxWrong} broke`, value: broken, goal: 0, better: 'less' },
  ];
}

function shuffle(rows, random) {
  const shuffled = [...rows];
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [shuffled[index], shuffled[other]] = [shuffled[other], shuffled[index]];
  }
  return shuffled;
}

/** Input schemas by a tool's plain name, where the catalogues that are there agree on one. */
function schemasIn(folder) {
  const found = new Map();
  for (const name of existsSync(folder) ? readdirSync(folder).toSorted() : []) {
    for (const { name: tool, inputSchema } of readRows(path.join(folder, name, 'tools.jsonl'))) {
      const properties = inputSchema?.properties;
      if (typeof tool !== 'string' || properties === null || typeof properties !== 'object') continue;
      const known = found.get(tool);
      if (known === undefined) found.set(tool, { properties: { ...properties } });
      else for (const [key, value] of Object.entries(properties)) agree(known.properties, key, value);
    }
  }
  return found;
}

function agree(properties, key, value) {
  const known = properties[key];
  if (known === undefined) properties[key] = value;
  else if (JSON.stringify(known.default) !== JSON.stringify(value?.default)) properties[key] = {};
}

function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
