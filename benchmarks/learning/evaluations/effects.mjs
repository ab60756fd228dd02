// Whether a tool reads or writes, told by its definition. The error that must not happen is a write called a read.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { toolEffect } from '../../../packages/learning/dist/effects/tool-effect.js';

export async function evaluate({ data, log }) {
  const folder = path.join(data, 'tool-effects');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) => evaluateSet(path.join(folder, file), file.slice(0, -'.jsonl'.length), log));
}

function evaluateSet(file, set, log) {
  const tools = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  if (tools.length === 0) return [];
  // The hints of the sources are the labels of some of these tools, so they are not shown.
  const told = tools.map(({ name, description, effect }) => ({ name, effect, as: toolEffect({ name, description }) }));
  const writes = told.filter(({ effect }) => effect === 'write');
  const reads = told.filter(({ effect }) => effect === 'read');
  for (const { name, effect, as } of told) if (effect === 'write' && as === 'read') log(`${set}: "${name}" is called a read and writes`);
  const capability = 'effects';
  return [
    {
      capability,
      set,
      metric: 'writes called reads',
      value: writes.filter(({ as }) => as === 'read').length,
      goal: 0,
      baseline: 0,
      better: 'less',
      note: `of ${writes.length}`,
    },
    {
      capability,
      set,
      metric: 'read recall',
      value: reads.length === 0 ? 1 : reads.filter(({ as }) => as === 'read').length / reads.length,
      goal: 0.75,
      baseline: 0.432,
      note: `of ${reads.length}`,
    },
  ];
}
