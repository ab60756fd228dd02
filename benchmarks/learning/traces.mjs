// What the evaluations of sequences share: sets of sessions as the data folder holds them.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { readRows } from './search-sets.mjs';

/** Every file of DATA/tool-traces: sessions `{ id, query?, calls: [{ server, tool, args?, ok? }] }`. */
export function readTraces(data) {
  const folder = path.join(data, 'tool-traces');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .toSorted()
    .map((file) => ({
      set: file.slice(0, -'.jsonl'.length),
      sessions: readRows(path.join(folder, file)).flatMap((row, index) => {
        const calls = Array.isArray(row.calls) ? row.calls.filter(({ tool } = {}) => typeof tool === 'string') : [];
        const text = [row.query, row.question, row.instruction].find((each) => typeof each === 'string');
        if (calls.length === 0) return [];
        return [
          {
            ...row,
            id: `${index} ${row.id ?? ''}`,
            query: text,
            calls: calls.map((call) => ({ ...call, server: String(call.server ?? '') })),
          },
        ];
      }),
    }))
    .filter(({ sessions }) => sessions.length > 0);
}
