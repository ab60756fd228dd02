import type { Journal, Record as CallRecord } from '@signalbox/core';

export interface CallQuery {
  readonly limit: number;
  /** `next` of the page before. */
  readonly before?: number | undefined;
  readonly upstream?: string | undefined;
  readonly name?: string | undefined;
  readonly status?: string | undefined;
}

export interface JournalRing extends Journal {
  /** The newest records, newest first. */
  recent(limit: number): readonly CallRecord[];
  /** Records that fit, newest first, with the number to go on before. */
  page(query: CallQuery): { readonly calls: readonly CallRecord[]; readonly next: number | undefined };
  /** Calls `listener` with each record. Returns its own stop function. */
  watch(listener: (record: CallRecord) => void): () => void;
}

/**
 * A journal that remembers the newest records and forgets the others.
 * @param options.capacity Records that are kept. Default 1000.
 */
export function createJournalRing({ capacity = 1000 }: { readonly capacity?: number } = {}): JournalRing {
  const records: CallRecord[] = [];
  const listeners = new Set<(record: CallRecord) => void>();
  /** Of all that were ever written. */
  let written = 0;
  const page: JournalRing['page'] = ({ limit, before = written, upstream, name, status }) => {
    const calls: CallRecord[] = [];
    const oldest = written - records.length;
    for (let number = Math.min(before, written) - 1; number >= oldest; number--) {
      const record = records[number % capacity]!;
      const isWanted =
        (upstream === undefined || record.upstream === upstream) &&
        (name === undefined || record.name === name) &&
        (status === undefined || record.status === status);
      if (!isWanted) continue;
      if (calls.length === limit) return { calls, next: number + 1 };
      calls.push(record);
    }
    return { calls, next: undefined };
  };
  return {
    write: (record) => {
      records[written % capacity] = record;
      written += 1;
      for (const listener of listeners) listener(record);
    },
    recent: (limit) => page({ limit }).calls,
    page,
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
