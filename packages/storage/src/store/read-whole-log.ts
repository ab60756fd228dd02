import type { LogEntry, Store } from '@signalbox/core';

const PAGE = 1000;

/** Everything in a log from a sequence on, a page at a time. */
export async function* readWholeLog(store: Store, log: string, from = 1): AsyncGenerator<LogEntry, void, undefined> {
  let next = from;
  for (;;) {
    const page = await store.read(log, { from: next, limit: PAGE });
    yield* page;
    if (page.length < PAGE) return;
    next = page.at(-1)!.sequence + 1;
  }
}
