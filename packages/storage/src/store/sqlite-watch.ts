import type { DatabaseSyncInstance } from '@photostructure/sqlite';
import type { Clock } from '@signalbox/core';
import type { Operations } from './commit-queue.ts';
import type { Watchers } from './watchers.ts';

const POLL_MS = 200;

export interface DatabaseWatch {
  start(): void;
  /** Notes what this process has changed itself, so that it is not taken for the doing of others. */
  ignore(operations: Operations, changed: number): void;
  stop(): void;
}

/** Looks every now and then, while someone watches, for what other processes have changed. */
export function watchDatabase(
  database: DatabaseSyncInstance,
  { watchers, clock }: { readonly watchers: Watchers; readonly clock: Clock },
): DatabaseWatch {
  const dataVersion = database.prepare('PRAGMA data_version');
  const count = database.prepare("SELECT value FROM counters WHERE name = 'changes'");
  const changedSince = database.prepare(
    `SELECT 'collection' AS kind, name, changed FROM collections WHERE changed > ?
     UNION ALL SELECT 'log', name, changed FROM logs WHERE changed > ?`,
  );
  const own = new Map<string, number>();
  let seenVersion = -1;
  let seenCount = 0;
  let cancel: (() => void) | undefined;

  const look = (): void => {
    const version = versionOf(dataVersion.get());
    if (version === seenVersion) return;
    const now = (count.get() as { value: number }).value;
    const rows = changedSince.all(seenCount, seenCount) as { kind: string; name: string; changed: number }[];
    seenVersion = version;
    seenCount = now;
    const others = rows.filter(({ kind, name, changed }) => own.get(`${kind} ${name}`) !== changed);
    own.clear();
    if (others.length === 0) return;
    const named = (wanted: string) => others.filter(({ kind }) => kind === wanted).map(({ name }) => name);
    watchers.pass({ collections: named('collection'), logs: named('log') });
  };
  const again = (): void => {
    cancel = clock.after(POLL_MS, () => {
      cancel = undefined;
      if (watchers.size === 0) return own.clear();
      try {
        look();
      } catch {
        // Whoever reads next is told what is wrong; what has changed meanwhile is seen when it works again.
      }
      again();
    });
  };
  return {
    start: () => {
      if (cancel !== undefined) return;
      try {
        seenVersion = versionOf(dataVersion.get());
        seenCount = (count.get() as { value: number }).value;
      } catch {
        seenVersion = -1;
      }
      again();
    },
    ignore: (operations, changed) => {
      if (cancel === undefined || watchers.size === 0) return;
      for (const operation of operations)
        own.set('collection' in operation ? `collection ${operation.collection}` : `log ${operation.log}`, changed);
    },
    stop: () => cancel?.(),
  };
}

function versionOf(row: unknown): number {
  return (row as { data_version: number }).data_version;
}
