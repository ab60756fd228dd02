import { GatewayError, type LineLog, type Store, type StoreOperation } from '@signalbox/core';
import { readWholeLog } from './read-whole-log.ts';

/** Lines in a log of a store. What others append to the same log meanwhile outlives a replacement. */
export function createStoreLines(store: Store, log: string): LineLog {
  /** Up to here everything was read, or written by us. */
  let known = 0;
  const appended = new Set<number>();
  const pending = new Set<Promise<unknown>>();
  let replacing: Promise<unknown> = Promise.resolve();

  const append = async (line: string): Promise<void> => {
    const [sequence] = await store.commit([{ kind: 'append', log, values: [Buffer.from(line)] }]);
    appended.add(sequence!);
  };
  const replaceOnce = async (lines: readonly string[]): Promise<void> => {
    const { last } = await store.span(log);
    const foreign: Buffer[] = [];
    for await (const { sequence, value } of readWholeLog(store, log, known + 1))
      if (sequence <= last && !appended.has(sequence)) foreign.push(value);
    const values = [...lines.map((line) => Buffer.from(line)), ...foreign];
    const operations: StoreOperation[] = values.length === 0 ? [] : [{ kind: 'append', log, values, ifNext: last + 1 }];
    await store.commit([...operations, { kind: 'trim', log, before: last + 1 }]);
    known = last + lines.length;
    appended.clear();
  };
  const replace = async (lines: readonly string[]): Promise<void> => {
    for (;;) {
      try {
        return await replaceOnce(lines);
      } catch (error) {
        // Someone else has appended in between: their line must be taken along.
        if (!(error instanceof GatewayError && error.code === 'STALE')) throw error;
      }
    }
  };

  return {
    read: async () => {
      await replacing;
      const lines: string[] = [];
      for await (const { sequence, value } of readWholeLog(store, log)) {
        lines.push(value.toString());
        known = Math.max(known, sequence);
      }
      return lines;
    },
    append: async (line) => {
      const done = replacing.then(() => append(line));
      pending.add(done);
      try {
        await done;
      } finally {
        pending.delete(done);
      }
    },
    replace: async (lines) => {
      const before = [replacing, ...pending];
      const done = Promise.allSettled(before).then(() => replace(lines));
      // What comes from now on belongs behind these lines, whether they get there or not.
      replacing = done.catch(() => undefined);
      await done;
    },
  };
}
