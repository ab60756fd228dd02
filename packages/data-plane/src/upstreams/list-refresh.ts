import type { Clock } from '@signalbox/core';
import type { ListKind, Manifest } from './manifest.ts';

/** Lists that changed close together are fetched once. */
const DELAY_MS = 100;
/** However briefly a server says that its lists hold, they are not fetched more often than this. */
const LEAST_MS = 10_000;
// Longest time a timer can wait.
const MOST_MS = 2 ** 31 - 1;

export interface ListRefreshOptions {
  readonly clock: Clock;
  /** Fetches these lists anew. */
  readonly refresh: (kinds: readonly ListKind[]) => void;
}

/** Knows when the lists of one upstream have to be fetched again. */
export class ListRefresh {
  readonly #options: ListRefreshOptions;
  readonly #stale = new Set<ListKind>();
  readonly #expiries = new Map<ListKind, () => void>();
  #cancel: (() => void) | undefined;

  constructor(options: ListRefreshOptions) {
    this.#options = options;
  }

  /** The server says that a list changed. Returns false for any other notification. */
  take(method: string): boolean {
    const match = /^notifications\/(tools|prompts|resources)\/list_changed$/.exec(method);
    if (match === null) return false;
    this.#mark(match[1] as ListKind);
    if (match[1] === 'resources') this.#mark('templates');
    return true;
  }

  /** Follows what the server said of how long its lists hold, where it does not tell of changes. */
  follow({ hints, capabilities }: Manifest): void {
    for (const kind of ['tools', 'prompts', 'resources', 'templates'] as const) {
      this.#expiries.get(kind)?.();
      this.#expiries.delete(kind);
      const capability = capabilities[kind === 'templates' ? 'resources' : kind] as { readonly listChanged?: unknown } | undefined;
      const ttlMs = hints?.[kind]?.ttlMs ?? 0;
      if (ttlMs <= 0 || capability?.listChanged === true) continue;
      const dueMs = Math.min(MOST_MS, Math.max(LEAST_MS, ttlMs));
      this.#expiries.set(
        kind,
        this.#options.clock.after(dueMs, () => this.#mark(kind)),
      );
    }
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#stale.clear();
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
  }

  #mark(kind: ListKind): void {
    this.#stale.add(kind);
    this.#cancel ??= this.#options.clock.after(DELAY_MS, () => {
      this.#cancel = undefined;
      const kinds = [...this.#stale];
      this.#stale.clear();
      this.#options.refresh(kinds);
    });
  }
}
