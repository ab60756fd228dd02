// What the evaluations of search share: sets as the data folder holds them, the product's static ranking, and the scoring rules.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createToolRanker } from '../../packages/data-plane/dist/search/rank-tools.js';

export const DEPTH = 10;
const CANDIDATES = 100;

/** Every set of tools in DATA/tool-retrieval with its files of queries: `queries*.jsonl` and whatever else has queries or clicks. */
export function readSets(data) {
  const folder = path.join(data, 'tool-retrieval');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .toSorted()
    .filter((set) => existsSync(path.join(folder, set, 'tools.jsonl')))
    .map((set) => {
      const tools = readRows(path.join(folder, set, 'tools.jsonl')).filter(
        ({ id, name }) => typeof id === 'string' && typeof name === 'string',
      );
      const known = new Set(tools.map(({ id }) => id));
      const files = readdirSync(path.join(folder, set))
        .filter((file) => file.endsWith('.jsonl') && file !== 'tools.jsonl')
        .toSorted()
        .map((file) => ({ name: nameOf(set, file), queries: readRows(path.join(folder, set, file)).flatMap((row) => toQuery(row, known)) }))
        .filter(({ queries }) => queries.length > 0);
      return { set, tools, files };
    })
    .filter(({ tools }) => tools.length > 0);
}

function nameOf(set, file) {
  const part = file.slice(0, -'.jsonl'.length).replace(/^queries-?/, '');
  return part === '' ? set : `${set} ${part}`;
}

// What is relevant is a list whose entries are an id, or ids of which any one will do. Clicks may name one tool only.
function toQuery(row, known) {
  const text = row.query ?? row.question ?? row.text ?? row.need;
  const given = row.relevant ?? row.tools ?? row.clicked ?? row.tool;
  if (typeof text !== 'string' || given === undefined) return [];
  const relevant = [given]
    .flat()
    .map((entry) => [entry].flat().filter((id) => known.has(id)))
    .filter((entry) => entry.length > 0);
  if (relevant.length === 0) return [];
  const steps = textsOf(row.steps);
  const asked = textsOf(row.agentQueries ?? row.agent_queries);
  return [{ text, relevant, ...(steps.length > 0 && { steps }), ...(asked.length > 0 && { asked }) }];
}

function textsOf(value) {
  if (!Array.isArray(value)) return [];
  return value
    .map((step) => (typeof step === 'string' ? step : (step?.query ?? step?.text ?? step?.step)))
    .filter((text) => typeof text === 'string' && text !== '');
}

/** Ranks a catalogue's tools by the product's static ranking, as `{ key, score }` with a tool's id as its key. */
export function createStaticRanker(tools) {
  // Public names without a letter, which say nothing: a tool is found by what its server calls it and says of it.
  const ids = new Map(tools.map(({ id }, index) => [String.fromCodePoint(0xf0000 + index), id]));
  const targets = tools.map((tool, index) => [
    String.fromCodePoint(0xf0000 + index),
    { upstream: String(tool.server ?? ''), name: tool.name, definition: toDefinition(tool) },
  ]);
  const rank = createToolRanker(new Map(targets));
  return (needs, limit = CANDIDATES) => rank(needs, limit).map((found) => found.map(({ name, score }) => ({ key: ids.get(name), score })));
}

function toDefinition({ name, title, description, inputSchema }) {
  return { name, title, description, inputSchema: inputSchema ?? { type: 'object' } };
}

/** Places of what is relevant in a ranking of keys, each entry once, -1 where it is missing. */
export function scoreOf(keys, relevant) {
  const used = new Set();
  let gain = 0;
  for (const [place, key] of keys.slice(0, DEPTH).entries()) {
    const entry = relevant.findIndex((ids, index) => !used.has(index) && ids.includes(key));
    if (entry < 0) continue;
    used.add(entry);
    gain += 1 / Math.log2(place + 2);
  }
  let most = 0;
  for (let place = 0; place < Math.min(DEPTH, relevant.length); place++) most += 1 / Math.log2(place + 2);
  return { ndcg: gain / most, recall: recallAt(keys, relevant, DEPTH), recall5: recallAt(keys, relevant, 5) };
}

function recallAt(keys, relevant, depth) {
  const top = new Set(keys.slice(0, depth));
  return relevant.filter((ids) => ids.some((id) => top.has(id))).length / relevant.length;
}

/** Numbers from 0 to 1 that are the same for the same seed. */
export function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}

export function shuffled(items, random) {
  const mixed = [...items];
  for (let index = mixed.length - 1; index > 0; index--) {
    const other = Math.floor(random() * (index + 1));
    [mixed[index], mixed[other]] = [mixed[other], mixed[index]];
  }
  return mixed;
}

/** The objects of a file with one on each line; none where there is no file, and lines that are none are passed over. */
export function readRows(file) {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      if (line.trim() === '') return [];
      try {
        const row = JSON.parse(line);
        return typeof row === 'object' && row !== null ? [row] : [];
      } catch {
        return [];
      }
    });
}
