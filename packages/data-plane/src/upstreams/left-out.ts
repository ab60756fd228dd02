import type { LeftOutEntry, Logger } from '@signalbox/core';
import type { ListKind } from './manifest.ts';

const MAX_LOGGED = 10;

/** What of one upstream's lists is not offered on. Says so in the log whenever it changes. */
export class LeftOut {
  readonly #logger: Logger;
  readonly #lists = new Map<ListKind, readonly LeftOutEntry[]>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get entries(): readonly LeftOutEntry[] {
    return [...this.#lists.values()].flat();
  }

  /** Takes what one list left out when it was read last. */
  replace(kind: ListKind, entries: readonly LeftOutEntry[]): void {
    const isNews = JSON.stringify(entries) !== JSON.stringify(this.#lists.get(kind) ?? []);
    this.#lists.set(kind, entries);
    if (isNews && entries.length > 0) {
      this.#logger.warn('left out what has no valid definition', { count: entries.length, entries: entries.slice(0, MAX_LOGGED) });
    }
  }
}
