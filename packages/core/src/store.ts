/** What is kept under one key. */
export interface StoreEntry {
  readonly key: string;
  readonly value: Buffer;
  /** Raised by each change of this key; 1 or more. A key that is removed and written again does not repeat a version. */
  readonly version: number;
}

/** One entry of a log. */
export interface LogEntry {
  /** Its place in the log: 1 for the first, unless the log was begun elsewhere with `ifNext`; then without gaps. */
  readonly sequence: number;
  readonly value: Buffer;
}

/** One change. What belongs together goes into one commit. */
export type StoreOperation =
  | {
      readonly kind: 'put';
      readonly collection: string;
      readonly key: string;
      readonly value: Buffer;
      /** Version the entry must have; 0 when there must be none. Default: whatever is there is replaced. */
      readonly ifVersion?: number | undefined;
    }
  | { readonly kind: 'delete'; readonly collection: string; readonly key: string; readonly ifVersion?: number | undefined }
  | {
      readonly kind: 'append';
      readonly log: string;
      /** At least one, in their order. */
      readonly values: readonly Buffer[];
      /**
       * Sequence the first one must get, for writers who must be alone. A log that never had an entry begins there.
       * Default: the next, whatever it is.
       */
      readonly ifNext?: number | undefined;
    }
  /** Forgets what stands before a sequence. The sequences of what follows stay. */
  | { readonly kind: 'trim'; readonly log: string; readonly before: number }
  /** Forgets a log whole, as if it never had an entry. */
  | { readonly kind: 'forget'; readonly log: string };

export interface ListOptions {
  /** Only keys that begin with it. */
  readonly prefix?: string | undefined;
  /** Only keys behind this one. */
  readonly after?: string | undefined;
  /** Default 1000. */
  readonly limit?: number | undefined;
}

export interface ReadLogOptions {
  /** First sequence wanted; with `newestFirst` the last one. Default: the first there is, or the newest. */
  readonly from?: number | undefined;
  /** Default 1000. */
  readonly limit?: number | undefined;
  readonly newestFirst?: boolean | undefined;
}

/** What has changed, by anyone who uses the same store. */
export interface StoreChange {
  readonly collections: ReadonlySet<string>;
  readonly logs: ReadonlySet<string>;
}

export interface StoreHealth {
  readonly kind: string;
  /** `ok`; `read-only` when reads are answered and writes fail; `away` when neither works. */
  readonly state: 'ok' | 'read-only' | 'away';
  /** Why it is not `ok`, for people. */
  readonly reason: string | undefined;
}

/** What stands in a log. */
export interface LogSpan {
  readonly log: string;
  /** Sequence of the first entry that is still there; one more than `last` when none is. */
  readonly first: number;
  /** Sequence of the newest entry ever appended; 0 when there was none. */
  readonly last: number;
}

/**
 * Where facts rest: small values by collection and key, and logs that are only appended to. Every driver behaves the same.
 * Names of collections and logs are `[a-z0-9._-]{1,100}`; keys are any text of 1 to 512 bytes, ordered by their UTF-8 bytes.
 * A value has at most 64 MiB.
 *
 * Every method may fail with GatewayError `STORE_UNAVAILABLE`, which is retryable, says what is the matter, and leaves
 * nothing half done. When it cannot be known whether a commit has happened, the error has `data.uncertain`.
 */
export interface Store {
  readonly kind: string;
  get(collection: string, key: string): Promise<StoreEntry | undefined>;
  /** In the order of their keys. */
  list(collection: string, options?: ListOptions): Promise<readonly StoreEntry[]>;
  read(log: string, options?: ReadLogOptions): Promise<readonly LogEntry[]>;
  span(log: string): Promise<LogSpan>;
  /**
   * Makes changes, all or none, in their order. Resolves once they would survive a crash, as far as the driver can keep
   * anything, with one number for each: the version that was put, the sequence of the first value appended, 0 otherwise.
   * The values must not be changed until then.
   * @throws GatewayError `STALE` when a precondition fails; `data.operation` is the index of the change.
   */
  commit(operations: readonly StoreOperation[]): Promise<readonly number[]>;
  /** Names in use, sorted: collections with an entry, logs that ever had one. */
  names(): Promise<{ readonly collections: readonly string[]; readonly logs: readonly string[] }>;
  /** Calls `listener` after commits, also of others. May join several into one. Returns its own stop function. */
  watch(listener: (change: StoreChange) => void): () => void;
  health(): StoreHealth;
  /** Waits for commits under way; later ones are refused. Idempotent. */
  close(): Promise<void>;
}

/** How a third party's driver begins: the default export of a module named by `storage.url`. */
export interface StoreDriver {
  /** @param options.url As configured, references resolved. */
  open(options: { readonly url: string; readonly namespace: string }): Promise<Store>;
}
