// Does the product hold tools for reads and writes rightly, by what their servers say of them? A write called a read must not happen.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { readEffect } from '../../../packages/learning/dist/index.js';
import { readRows } from '../search-sets.mjs';

export async function evaluate({ data, log }) {
  const metrics = [];
  for (const { set, tools } of labelled(data)) {
    const found = { read: 0, write: 0, readRight: 0, writeRight: 0, writeAsRead: 0, readAsWrite: 0 };
    for (const { effect, ...tool } of tools) {
      const seen = readEffect(tool).effect;
      found[effect]++;
      if (seen === effect) found[`${effect}Right`]++;
      else if (seen !== 'unknown') found[`${effect}As${seen === 'read' ? 'Read' : 'Write'}`]++;
      if (effect === 'write' && seen === 'read') log(`write held for a read: ${tool.server ?? set}.${tool.name}`);
    }
    const of = { capability: 'effects', set };
    metrics.push({ ...of, metric: `writes held for reads, of ${found.write}`, value: found.writeAsRead, goal: 0, better: 'less' });
    if (found.read > 0) {
      metrics.push({
        ...of,
        metric: `read recall, of ${found.read}`,
        value: found.readRight / found.read,
        goal: 0.75,
        baseline: 0.432,
        note: 'a verb list: dev .912',
      });
      metrics.push({ ...of, metric: 'reads held for writes', value: found.readAsWrite, better: 'less' });
    }
    if (found.write > 0) metrics.push({ ...of, metric: 'write recall', value: found.writeRight / found.write });
    const begunAt = performance.now();
    for (let times = 0; times < 20; times++) for (const tool of tools) readEffect(tool);
    const micros = ((performance.now() - begunAt) * 1000) / (20 * Math.max(1, tools.length));
    metrics.push({ capability: 'cost', set, metric: 'effect of a tool, mean, µs', value: micros, better: 'less' });
  }
  return metrics;
}

/** Sets of tools with their effect: those labelled by hand, and catalogues whose servers annotate (the annotation is then held back). */
function* labelled(data) {
  for (const file of filesIn(path.join(data, 'tool-effects'), '.jsonl')) {
    const tools = readRows(file).filter(({ name, effect }) => typeof name === 'string' && (effect === 'read' || effect === 'write'));
    if (tools.length > 0) yield { set: path.basename(file, '.jsonl'), tools: tools.map(toTool) };
  }
  const catalogues = path.join(data, 'tool-retrieval');
  for (const folder of existsSync(catalogues) ? readdirSync(catalogues).toSorted() : []) {
    const tools = readRows(path.join(catalogues, folder, 'tools.jsonl'))
      .filter(({ name, annotations }) => typeof name === 'string' && typeof annotations?.readOnlyHint === 'boolean')
      .map(({ annotations, ...tool }) => ({ ...tool, effect: annotations.readOnlyHint ? 'read' : 'write' }));
    if (tools.length > 0) yield { set: `${folder}, annotated`, tools };
  }
}

function toTool({ server, name, description, inputSchema, effect, destructiveHint }) {
  return {
    server,
    name,
    effect,
    ...(description === undefined ? {} : { description }),
    ...(inputSchema === undefined ? {} : { inputSchema }),
    ...(typeof destructiveHint === 'boolean' ? { annotations: { destructiveHint } } : {}),
  };
}

function filesIn(folder, ending) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith(ending))
    .toSorted()
    .map((file) => path.join(folder, file));
}
