import { GatewayError, type Record as CallRecord, type Store } from '@signalbox/core';
import { decodeEntry, timeOf, type AuditEntry } from './audit-entry.ts';

/** Which records are wanted. */
export interface AuditQuery {
  readonly limit: number;
  /** From `next` of the answer before. */
  readonly cursor?: string | undefined;
  readonly kind?: 'call' | 'change' | undefined;
  readonly upstream?: string | undefined;
  readonly name?: string | undefined;
  readonly principal?: string | undefined;
  readonly status?: string | undefined;
  readonly sinceMs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly next: string | undefined;
}

const PAGE = 200;
/** Records looked at for one answer, which is shorter than wanted when few of them are. */
const MAX_SEEN = 20_000;

/** Lists records of all chains, newest first. */
export async function listEntries(store: Store, chains: readonly string[], query: AuditQuery): Promise<AuditPage> {
  const places = query.cursor === undefined ? undefined : readCursor(query.cursor);
  const readers = chains.map((chain) => new BackwardReader(store, chain, places === undefined ? undefined : (places[chain] ?? 0)));
  const entries: AuditEntry[] = [];
  let seen = 0;
  while (entries.length < query.limit && seen < MAX_SEEN) {
    const newest = await newestOf(readers);
    if (newest === undefined) return { entries, next: undefined };
    const entry = newest.take();
    seen++;
    if (matches(entry, query)) entries.push(entry);
  }
  const isOver = (await newestOf(readers)) === undefined;
  return { entries, next: isOver ? undefined : writeCursor(readers) };
}

async function newestOf(readers: readonly BackwardReader[]): Promise<BackwardReader | undefined> {
  let newest: BackwardReader | undefined;
  let newestMs = Number.NEGATIVE_INFINITY;
  for (const reader of readers) {
    const entry = reader.top ?? (await reader.load());
    if (entry === undefined) continue;
    const time = timeOf(entry);
    if (newest !== undefined && time <= newestMs) continue;
    newest = reader;
    newestMs = time;
  }
  return newest;
}

/** Reads one chain from its end. */
class BackwardReader {
  readonly chain: string;
  readonly #store: Store;
  /** The next sequence to read; `undefined` for the newest there is. */
  #from: number | undefined;
  /** Oldest first, so that the next one is the last. */
  #page: AuditEntry[] = [];

  constructor(store: Store, chain: string, from: number | undefined) {
    this.chain = chain;
    this.#store = store;
    this.#from = from;
  }

  /** The next record, if it has been loaded. */
  get top(): AuditEntry | undefined {
    return this.#page.at(-1);
  }

  /** Where to go on. */
  get place(): number | undefined {
    return this.top?.sequence ?? this.#from;
  }

  async load(): Promise<AuditEntry | undefined> {
    while (this.#page.length === 0 && this.#from !== 0) {
      const read = await this.#store.read(this.chain, { from: this.#from, limit: PAGE, newestFirst: true });
      if (read.length === 0) this.#from = 0;
      else this.#from = read.at(-1)!.sequence - 1;
      this.#page = read.flatMap(({ sequence, value }) => decodeEntry(value, { chain: this.chain, sequence }) ?? []).toReversed();
    }
    return this.top;
  }

  take(): AuditEntry {
    return this.#page.pop()!;
  }
}

function matches({ kind, record }: AuditEntry, query: AuditQuery): boolean {
  if (query.kind !== undefined && kind !== query.kind) return false;
  const time = timeOf({ kind, record });
  if (query.sinceMs !== undefined && time < query.sinceMs) return false;
  if (query.untilMs !== undefined && time > query.untilMs) return false;
  const { upstream, name, status, principal } = query;
  if (kind === 'change') {
    const { by } = record as { readonly by: string };
    return upstream === undefined && name === undefined && status === undefined && (principal === undefined || by === principal);
  }
  const call = record as CallRecord;
  return (
    (upstream === undefined || call.upstream === upstream) &&
    (name === undefined || call.name === name) &&
    (status === undefined || call.status === status) &&
    (principal === undefined || call.principal === principal)
  );
}

function writeCursor(readers: readonly BackwardReader[]): string {
  return Buffer.from(JSON.stringify(Object.fromEntries(readers.map(({ chain, place }) => [chain, place])))).toString('base64url');
}

function readCursor(cursor: string): Readonly<Record<string, number>> {
  try {
    const places = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')) as unknown;
    if (typeof places === 'object' && places !== null && Object.values(places).every((place) => Number.isSafeInteger(place)))
      return places as Readonly<Record<string, number>>;
  } catch {
    // What cannot be read is refused like what says nothing.
  }
  throw new GatewayError('INVALID_PARAMS', 'Cannot go on from this cursor: it is not one of ours');
}
