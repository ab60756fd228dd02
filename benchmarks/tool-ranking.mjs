// How well and how fast needs find their tools: node benchmarks/tool-ranking.mjs FOLDER
// FOLDER holds sets, each a folder with tools.jsonl ({id, server, name, description, inputSchema?}) and queries*.jsonl
// ({id, query, relevant}, where `relevant` lists what is needed: a tool's id, or ids of which any one will do).
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createToolRanker } from '../packages/data-plane/dist/search/rank-tools.js';

const DEPTH = 10;
const folder = process.argv[2];
if (folder === undefined || !existsSync(folder)) {
  console.error('Usage: node benchmarks/tool-ranking.mjs FOLDER, with one folder for each set in it');
  process.exit(2);
}

console.log('| set | tools | queries | R@1 | R@5 | R@10 | nDCG@10 | index ms | p50 ms | p99 ms |');
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
for (const set of readdirSync(folder).toSorted()) {
  const files = existsSync(path.join(folder, set, 'tools.jsonl')) ? readdirSync(path.join(folder, set)) : [];
  for (const file of files.filter((name) => /^queries.*\.jsonl$/.test(name))) report(set, file);
}

function report(set, file) {
  const tools = readLines(path.join(folder, set, 'tools.jsonl'));
  const queries = readLines(path.join(folder, set, file));
  // Public names without a letter, which say nothing: a tool is found by what its server calls it and says of it.
  const nameOf = new Map(tools.map(({ id }, index) => [id, String.fromCodePoint(0xf0000 + index)]));
  const targets = new Map(
    tools.map((tool) => [nameOf.get(tool.id), { upstream: tool.server, name: tool.name, definition: toDefinition(tool) }]),
  );
  const begun = performance.now();
  const rank = createToolRanker(targets);
  const indexMs = performance.now() - begun;
  const sums = { r1: 0, r5: 0, r10: 0, ndcg: 0 };
  const times = [];
  for (const { query, relevant } of queries) {
    const start = performance.now();
    const [ranked] = rank([query], DEPTH);
    times.push(performance.now() - start);
    const places = relevant.map((entry) => ranked.findIndex(({ name }) => [entry].flat().some((id) => nameOf.get(id) === name)));
    for (const [key, depth] of [
      ['r1', 1],
      ['r5', 5],
      ['r10', 10],
    ])
      sums[key] += places.filter((place) => place >= 0 && place < depth).length / places.length;
    sums.ndcg += gainOf(places) / gainOf(places.slice(0, DEPTH).map((_, place) => place));
  }
  times.sort((left, right) => left - right);
  const mean = (sum) => (sum / queries.length).toFixed(3);
  const timeAt = (share) => times[Math.floor(times.length * share)].toFixed(2);
  const name = file.replace(/^queries-?|\.jsonl$/g, '');
  const cells = [
    `${set}${name && ` ${name}`}`,
    tools.length,
    queries.length,
    ...Object.values(sums).map(mean),
    indexMs.toFixed(0),
    timeAt(0.5),
    timeAt(0.99),
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

function gainOf(places) {
  return places.filter((place) => place >= 0).reduce((sum, place) => sum + 1 / Math.log2(place + 2), 0);
}

function toDefinition({ name, title, description, inputSchema = { type: 'object' } }) {
  return { name, title, description, inputSchema };
}

function readLines(file) {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
