// How well the gateway learns: npm run bench:learning -- --data DIR [--json] [--quick] [--only NAME,NAME]
// DIR holds public sets by their folders (tool-retrieval, tool-traces, semantic-cache, tool-effects, anomaly-nab); every set that is
// found is evaluated, and what needs no set is measured as well. Each file in evaluations/ exports `evaluate({ data, quick, log })`,
// which returns metrics: { capability, set, metric, value, goal?, baseline?, better?, note? }.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
});
if (values.data === undefined || !existsSync(values.data)) {
  console.error('Usage: npm run bench:learning -- --data DIR [--json] [--quick] [--only NAME,NAME], where DIR is an existing folder');
  process.exit(2);
}

const folder = path.join(import.meta.dirname, 'evaluations');
const only = values.only?.split(',');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.mjs'))
  .map((file) => file.slice(0, -'.mjs'.length))
  .filter((name) => only === undefined || only.includes(name))
  .toSorted();
const unknown = (only ?? []).filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`No evaluation is named "${unknown.join('", "')}"`);
  process.exit(2);
}

const metrics = [];
for (const name of names) {
  const begunAt = performance.now();
  const { evaluate } = await import(path.join(folder, `${name}.mjs`));
  const found = await evaluate({ data: path.resolve(values.data), quick: values.quick, log: (line) => console.error(`${name}: ${line}`) });
  for (const metric of found) metrics.push({ evaluation: name, ...metric, met: isMet(metric) });
  console.error(`${name}: ${found.length} metrics in ${((performance.now() - begunAt) / 1000).toFixed(1)} s`);
}

if (values.json) console.log(JSON.stringify({ node: process.version, metrics }, null, 2));
else printTable();

/** @returns whether the goal is reached; `undefined` where there is none. */
function isMet({ value, goal, better = 'more' }) {
  if (goal === undefined) return undefined;
  if (Array.isArray(goal)) return value >= goal[0] && value <= goal[1];
  return better === 'more' ? value >= goal : value <= goal;
}

function printTable() {
  console.log('| capability | set | metric | figure | goal | baseline | met |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const { capability, set, metric, value, goal, baseline, better = 'more', met, note } of metrics) {
    const bar = goal === undefined ? '' : Array.isArray(goal) ? `${goal[0]} to ${goal[1]}` : `${better === 'more' ? '≥' : '≤'} ${goal}`;
    const is = met === undefined ? '' : met ? 'yes' : 'no';
    console.log(
      `| ${capability} | ${set} | ${metric}${note === undefined ? '' : ` (${note})`} | ${show(value)} | ${bar} | ${show(baseline)} | ${is} |`,
    );
  }
}

function show(value) {
  if (value === undefined) return '';
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(4);
}
