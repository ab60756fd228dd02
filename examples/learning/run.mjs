// Shows what learning is good for: node examples/learning/run.mjs [--tasks 1500] [--plot learning.svg]
// The same agent does the same tasks twice, with learning and without, in front of 25 servers with 500 tools.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { plot } from './plot.mjs';
import { work } from './agent.mjs';

const { values } = parseArgs({
  options: { tasks: { type: 'string', default: '1500' }, plot: { type: 'string', default: 'learning.svg' } },
});
const tasks = Number(values.tasks);
const PARTS = 10;
const MEASURES = [
  ['right tool first', (part) => mean(part, ({ place }) => (place === 1 ? 1 : 0)), (value) => `${(value * 100).toFixed(0)} %`],
  ['among five', (part) => mean(part, ({ place }) => (place > 0 ? 1 : 0)), (value) => `${(value * 100).toFixed(0)} %`],
  ['tokens a task', (part) => mean(part, ({ tokens }) => tokens), (value) => value.toFixed(0)],
  ['calls a task', (part) => mean(part, ({ calls }) => calls), (value) => value.toFixed(2)],
  ['ms a task', (part) => mean(part, ({ ms }) => ms), (value) => value.toFixed(1)],
];

const runs = {};
for (const learning of [false, true]) runs[learning ? 'on' : 'off'] = await work({ learning, tasks });

console.log(`${tasks} tasks, ${PARTS} parts; learning off → on`);
console.log(['part', ...MEASURES.map(([name]) => name)].map((text) => text.padEnd(22)).join(''));
const curves = MEASURES.map(([name]) => ({ name, off: [], on: [] }));
for (let index = 0; index < PARTS; index++) {
  const cells = MEASURES.map(([, measure, show], column) => {
    const [off, on] = ['off', 'on'].map((run) => measure(partOf(runs[run], index)));
    curves[column].off.push(off);
    curves[column].on.push(on);
    return `${show(off)} → ${show(on)}`;
  });
  console.log([String(index + 1), ...cells].map((text) => text.padEnd(22)).join(''));
}
writeFileSync(values.plot, plot(curves));
console.log(`Plot: ${values.plot}`);

function partOf(results, index) {
  return results.slice((index * tasks) / PARTS, ((index + 1) * tasks) / PARTS);
}

function mean(results, of) {
  return results.reduce((sum, each) => sum + of(each), 0) / Math.max(1, results.length);
}
