import { createHash, randomUUID } from 'node:crypto';
import { GatewayError, toGatewayError, type Clock, type Logger, type Store, type StoreEntry } from '@signalbox/core';

const COLLECTION = 'admin-keys';
const TTL_MS = 24 * 60 * 60 * 1000;
const MAX_KEYS = 1000;
/** Answers beyond it are not kept. */
const MAX_ANSWER_BYTES = 262_144;
const PRUNE_EVERY = 50;
const KEY = /^[\x21-\x7e]{1,200}$/;
const KEPT_HEADERS: ReadonlySet<string> = new Set(['content-type', 'etag', 'content-disposition']);

export interface Keyed {
  /** As the caller sent it. */
  readonly key: string;
  /** Whose it is: keys of others are others. */
  readonly principal: string;
  /** All that makes the request what it is. */
  readonly request: readonly string[];
}

export interface RunOnceOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs what has a key once. */
export type RunOnce = (keyed: Keyed, run: () => Promise<Response>) => Promise<Response>;

interface Kept {
  readonly request: string;
  readonly atMs: number;
  /** The process that ran it. */
  readonly process: string;
  readonly answer?: { readonly status: number; readonly headers: readonly (readonly [string, string])[]; readonly body: string | null };
}

/**
 * The same key with the same request gets the same answer for 24 hours, over restarts where the store lasts. The newest
 * 1000 keys are kept.
 */
export function createRunOnce({ store, clock, logger }: RunOnceOptions): RunOnce {
  const self = randomUUID();
  let sincePruned = PRUNE_EVERY;

  return async ({ key, principal, request }, run) => {
    if (!KEY.test(key)) throw new GatewayError('INVALID_PARAMS', '"Idempotency-Key" must be 1 to 200 visible ASCII characters');
    const id = `${principal} ${key}`;
    const hash = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const claimed: Kept = { request: hash, atMs: clock.now(), process: self };
    const found = await store.get(COLLECTION, id);
    const kept = found === undefined ? undefined : parse(found);
    if (kept !== undefined && clock.now() - kept.atMs < TTL_MS) return replay(kept, { key, hash, self });
    const version = await claim(store, id, { claimed, ifVersion: found?.version ?? 0 });
    if (++sincePruned > PRUNE_EVERY) {
      sincePruned = 0;
      await prune(store, clock.now()).catch((error: unknown) => logger.error('Cannot forget old idempotency keys', { error }));
    }
    let response: Response;
    try {
      response = await run();
    } catch (error) {
      await forget(store, id, version).catch(() => undefined);
      throw error;
    }
    try {
      // What failed for now may be tried again.
      if (response.status >= 500 || response.status === 412) await forget(store, id, version);
      else {
        const value = toValue({ ...claimed, answer: await toAnswer(response.clone()) });
        await store.commit([{ kind: 'put', collection: COLLECTION, key: id, value, ifVersion: version }]);
      }
    } catch (error) {
      // It has been done, and saying otherwise would have it done twice.
      logger.error('Cannot keep the answer to a request with a key', { error });
    }
    return response;
  };
}

async function toAnswer(response: Response): Promise<NonNullable<Kept['answer']>> {
  const body = await response.text();
  const headers = [...response.headers].filter(([name]) => KEPT_HEADERS.has(name));
  return { status: response.status, headers, body: Buffer.byteLength(body) <= MAX_ANSWER_BYTES ? body : null };
}

function replay(
  { request, process, answer }: Kept,
  { key, hash, self }: { readonly key: string; readonly hash: string; readonly self: string },
): Response {
  if (request !== hash) throw new GatewayError('CONFLICT', `Cannot use the key "${key}" again: it was sent with another request`);
  if (answer === undefined && process === self) throw new GatewayError('CONFLICT', `The request with the key "${key}" is still running`);
  if (answer === undefined)
    throw new GatewayError(
      'NOT_REPEATABLE',
      `It is not known what became of the request with the key "${key}": the gateway ended meanwhile`,
    );
  if (answer.body === null)
    throw new GatewayError(
      'NOT_REPEATABLE',
      `The request with the key "${key}" has been answered, and its answer was too large to be kept`,
    );
  return new Response(answer.body, {
    status: answer.status,
    headers: [...answer.headers.map(([name, value]): [string, string] => [name, value]), ['idempotency-replayed', 'true']],
  });
}

async function claim(
  store: Store,
  id: string,
  { claimed, ifVersion }: { readonly claimed: Kept; readonly ifVersion: number },
): Promise<number> {
  try {
    const [version] = await store.commit([{ kind: 'put', collection: COLLECTION, key: id, value: toValue(claimed), ifVersion }]);
    return version!;
  } catch (cause) {
    if (toGatewayError(cause).code !== 'STALE') throw cause;
    throw new GatewayError('CONFLICT', 'A request with the same key is still running', { cause });
  }
}

async function forget(store: Store, id: string, ifVersion: number): Promise<void> {
  await store.commit([{ kind: 'delete', collection: COLLECTION, key: id, ifVersion }]);
}

async function prune(store: Store, nowMs: number): Promise<void> {
  const entries = await store.list(COLLECTION, { limit: MAX_KEYS * 2 });
  const byAge = entries.map((entry) => ({ key: entry.key, atMs: parse(entry).atMs })).toSorted((left, right) => right.atMs - left.atMs);
  const gone = byAge.filter(({ atMs }, index) => index >= MAX_KEYS || nowMs - atMs >= TTL_MS);
  if (gone.length > 0) await store.commit(gone.map(({ key }) => ({ kind: 'delete', collection: COLLECTION, key })));
}

function parse({ value }: StoreEntry): Kept {
  return JSON.parse(value.toString()) as Kept;
}

function toValue(kept: Kept): Buffer {
  return Buffer.from(JSON.stringify(kept));
}
