import type { Journal, Record as CallRecord } from '@signalbox/core';

export interface JournalRing extends Journal {
  /** The newest records, newest first. */
  recent(limit: number): readonly CallRecord[];
}

/**
 * A journal that remembers the newest records and forgets the others.
 * @param options.capacity Records that are kept. Default 1000.
 */
export function createJournalRing({ capacity = 1000 }: { readonly capacity?: number } = {}): JournalRing {
  const records: CallRecord[] = [];
  let next = 0;
  return {
    write: (record) => {
      records[next] = record;
      next = (next + 1) % capacity;
    },
    recent: (limit) => {
      const count = Math.min(limit, records.length);
      return Array.from({ length: count }, (_, age) => records[(next - 1 - age + records.length) % records.length]!);
    },
  };
}
