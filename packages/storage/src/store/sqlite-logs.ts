import { createRequire } from 'node:module';
import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { LogEntry, ReadLogOptions } from '@signalbox/core';
import { DEFAULT_LIMIT } from './checks.ts';

export interface LogReader {
  read(log: string, options: ReadLogOptions): readonly LogEntry[];
  span(log: string): { readonly first: number; readonly last: number };
}

interface Block {
  readonly first: number;
  readonly last: number;
  /**
   * The length of each value, as 32-bit numbers, the lowest byte first, and one number more where they are compressed
   * (LZ4). None in a block of one that is not.
   */
  readonly lengths: Uint8Array | null;
  readonly value: Uint8Array;
}

interface LogRow {
  readonly id: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Reads logs, whose values lie in blocks: what was appended at once is one row, because a row costs more than what is in
 * it. Blocks of one log follow each other without gaps; the first may hold values that were trimmed.
 */
export function createLogReader(database: DatabaseSyncInstance): LogReader {
  const find = database.prepare('SELECT id, first, last FROM logs WHERE name = ?');
  const columns = 'SELECT first, last, lengths, value FROM log_blocks WHERE log = ?';
  const holding = database.prepare(`${columns} AND first <= ? ORDER BY first DESC LIMIT 1`);
  const begin = database.prepare('BEGIN');
  const end = database.prepare('COMMIT');

  const collect = (log: string, { from, limit = DEFAULT_LIMIT, newestFirst = false }: ReadLogOptions): LogEntry[] => {
    const row = find.get(log) as LogRow | undefined;
    const entries: LogEntry[] = [];
    if (row === undefined) return entries;
    const { id, first, last } = row;
    let next = newestFirst ? Math.min(from ?? last, last) : Math.max(from ?? first, first);
    while (entries.length < limit && next >= first && next <= last) {
      const block = holding.get(id, next) as unknown as Block;
      const values = split(block);
      for (; entries.length < limit && next >= Math.max(block.first, first) && next <= block.last; next += newestFirst ? -1 : 1)
        entries.push({ sequence: next, value: values(next - block.first) });
    }
    return entries;
  };
  return {
    span: (log) => (find.get(log) as LogRow | undefined) ?? { first: 1, last: 0 },
    read: (log, options) => {
      // Others may trim or forget the log in between, and what is read has to be of one moment.
      begin.run();
      try {
        return collect(log, options);
      } finally {
        end.run();
      }
    },
  };
}

function split({ first, last, lengths, value }: Block): (index: number) => Buffer {
  const stored = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (lengths === null) return () => stored;
  const sizes = Buffer.from(lengths.buffer, lengths.byteOffset, lengths.byteLength);
  const bytes = sizes.length / 4 > last - first + 1 ? uncompress(stored) : stored;
  const ends: number[] = [];
  for (let index = 0, at = 0; index <= last - first; index += 1) ends.push((at += sizes.readUInt32LE(4 * index)));
  return (index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], ends[index]);
}

type Uncompress = (bytes: Buffer) => Buffer;
let loaded: Uncompress | undefined;

// Loaded with the first block that needs it, which most starts do not read.
function uncompress(bytes: Buffer): Buffer {
  loaded ??= (createRequire(import.meta.url)('lz4-napi') as { readonly uncompressSync: Uncompress }).uncompressSync;
  return loaded(bytes);
}
