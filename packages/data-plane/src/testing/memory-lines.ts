import type { LineLog } from '@signalbox/core';

/** A log of lines that outlives whoever uses it, for as long as the test holds it. */
export interface MemoryLines extends LineLog {
  readonly lines: readonly string[];
  /** Awaited before a line counts as written; reject to fail. */
  write: () => Promise<void>;
}

export function createMemoryLines(): MemoryLines {
  let lines: string[] = [];
  const log: MemoryLines = {
    get lines() {
      return lines;
    },
    write: () => Promise.resolve(),
    read: async () => [...lines],
    append: async (line) => {
      await log.write();
      lines.push(line);
    },
    replace: async (next) => {
      lines = [...next];
    },
  };
  return log;
}
