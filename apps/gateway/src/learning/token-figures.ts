import { hash } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isObject, toMessage, type Clock, type DocumentStore, type Logger, type TokenFigures } from '@signalbox/core';

export interface CountedTokensOptions {
  /** Where figures outlive a restart. */
  readonly documents: DocumentStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Counts tokens in a thread that is there only while there is something to count. Whoever created it closes it. */
export interface CountedTokens extends TokenFigures {
  close(): Promise<void>;
}

const DOCUMENT = 'token-figures';
const KEY_CHARS = 16;
/** Texts that are counted at once. */
const BATCH = 50;
/** Longer texts are left to be estimated. */
const MAX_CHARS = 262_144;
const MAX_TEXTS = 20_000;
/** Longest time for a batch, in milliseconds. */
const BATCH_MS = 60_000;
const HEAP_MB = 256;

/** By o200k_base, a tokenizer of recent models. Where it is not installed, or fails, nothing is known and the log says so once. */
export async function createCountedTokens({ documents, clock, logger }: CountedTokensOptions): Promise<CountedTokens> {
  const known = readFigures(await documents.read(DOCUMENT));
  let wanted: ReadonlyMap<string, string> = new Map();
  let isBroken = false;
  let worker: Worker | undefined;
  let ended: Promise<unknown> = Promise.resolve();

  const save = async (): Promise<void> => {
    for (const key of known.keys()) if (!wanted.has(key)) known.delete(key);
    try {
      await documents.write(DOCUMENT, Object.fromEntries(known));
    } catch (error) {
      logger.error('could not remember the tokens of tools', { error: toMessage(error) });
    }
  };
  const missing = () => [...wanted].filter(([key]) => !known.has(key));
  const countAll = async (own: Worker): Promise<void> => {
    for (;;) {
      const batch = missing().slice(0, BATCH);
      if (batch.length === 0) return;
      const texts = batch.map(([, text]) => text);
      const counts = await ask(own, { texts, clock });
      for (const [index, [key]] of batch.entries()) known.set(key, counts[index]!);
    }
  };
  const run = async (): Promise<void> => {
    const own = new Worker(new URL('../../worker/count-tokens.js', import.meta.url), {
      name: 'tokens',
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
      execArgv: [],
      env: {},
    });
    own.unref();
    worker = own;
    try {
      await countAll(own);
      await save();
    } catch (error) {
      if (worker !== own) return;
      isBroken = true;
      logger.warn('tokens are estimated at four bytes each: they cannot be counted', { reason: toMessage(error) });
    } finally {
      await own.terminate();
    }
    if (worker !== own) return;
    worker = undefined;
    // Others may have come while these were kept.
    if (missing().length > 0 && !isBroken) await run();
  };

  return {
    setTexts: (texts) => {
      wanted = new Map(
        [...texts]
          .filter(({ length }) => length <= MAX_CHARS)
          .slice(0, MAX_TEXTS)
          .map((text) => [keyOf(text), text]),
      );
      if (!isBroken && worker === undefined && missing().length > 0) ended = run();
    },
    tokensOf: (text) => known.get(keyOf(text)),
    close: async () => {
      isBroken = true;
      const own = worker;
      worker = undefined;
      await own?.terminate();
      await ended;
    },
  };
}

async function ask(
  worker: Worker,
  { texts, clock }: { readonly texts: readonly string[]; readonly clock: Clock },
): Promise<readonly number[]> {
  const failing = new AbortController();
  const fail = (): void => failing.abort(new Error('their thread has ended'));
  const cancel = clock.after(BATCH_MS, () => failing.abort(new Error(`no answer in ${BATCH_MS} ms`)));
  worker.once('exit', fail);
  try {
    worker.postMessage(texts);
    const [counts] = (await once(worker, 'message', { signal: failing.signal })) as [readonly number[]];
    return counts;
  } catch (error) {
    throw failing.signal.aborted ? failing.signal.reason : error;
  } finally {
    cancel();
    worker.off('exit', fail);
  }
}

function keyOf(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, KEY_CHARS);
}

function readFigures(document: unknown): Map<string, number> {
  return new Map(
    Object.entries(isObject(document) ? document : {}).filter(
      (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] >= 0,
    ),
  );
}
