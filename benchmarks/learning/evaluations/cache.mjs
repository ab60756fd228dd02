// May a call be answered with the result of a similar one? Pairs stream by in random orders; each is served or not, and where it is not
// served, or is one of the few hits that are checked, its truth is learned. The bound must hold in every order.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { compareArguments, createSimilarityModel } from '../../../packages/learning/dist/index.js';

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
  }
  return metrics;
}

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

function readRows(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      try {
        const row = JSON.parse(line);
        return row !== null && typeof row === 'object' ? [row] : [];
      } catch {
        return [];
      }
    });
}
