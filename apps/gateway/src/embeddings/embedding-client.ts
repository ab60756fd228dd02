import { setTimeout as sleep } from 'node:timers/promises';
import { toMessage } from '@signalbox/core';
import { parseVectors } from './parse-vectors.ts';
import { createSlots } from './slots.ts';

export interface EmbeddingClientOptions {
  /** Without `/embeddings` or with it. */
  readonly url: string;
  readonly model: string;
  readonly token?: string | undefined;
  readonly dimensions?: number | undefined;
}

/** Asks a server for vectors. Whoever created it closes it. */
export interface EmbeddingClient {
  readonly isClosed: boolean;
  /**
   * The vectors of at most `MAX_BATCH` texts, in order, each of length 1.
   * @throws RefusedTexts when the server does not take these texts, and Error with the reason when there is no good answer in time.
   */
  embed(texts: readonly string[], options: { readonly timeoutMs: number }): Promise<Float32Array[]>;
  /** Gives up what is under way. */
  close(): void;
}

export const MAX_BATCH = 64;
const MAX_IN_FLIGHT = 6;
const FIRST_WAIT_MS = 50;
const MAX_ATTEMPTS = 5;
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;
/** Answers to texts that are too long or too many at once. */
const REFUSED = new Set([400, 413, 422]);

/** The server answers, but not to these texts. */
export class RefusedTexts extends Error {}

export function createEmbeddingClient({ url, model, token, dimensions }: EmbeddingClientOptions): EmbeddingClient {
  const address = addressOf(url);
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const slots = createSlots(MAX_IN_FLIGHT);
  const underWay = new Set<AbortController>();
  let isClosed = false;

  const post = async (body: string, signal: AbortSignal): Promise<Response | RetryLater> => {
    let response: Response;
    try {
      // Another address must not get the token.
      response = await fetch(address, { method: 'POST', headers, body, signal, redirect: 'error' });
    } catch (error) {
      signal.throwIfAborted();
      return { reason: `it cannot be reached: ${causeOf(error)}`, isUnreached: true };
    }
    if (response.ok) return response;
    const after = Number(response.headers.get('retry-after') ?? Number.NaN);
    await response.body?.cancel();
    const reason = `it answered with status ${response.status}`;
    if (response.status === 429 || response.status >= 500) return { reason, ...(after >= 0 && { waitMs: after * 1_000 }) };
    throw REFUSED.has(response.status) ? new RefusedTexts(reason) : new Error(reason);
  };
  const ask = async (body: string, signal: AbortSignal, untilMs: number): Promise<unknown> => {
    for (let [attempt, waitMs] = [1, FIRST_WAIT_MS]; ; attempt++, waitMs *= 2) {
      const answer = await post(body, signal);
      if (answer instanceof Response) return readJson(answer);
      const pauseMs = answer.waitMs ?? waitMs;
      // A connection that was idle may end at the moment it is used again; one that cannot be made is not tried for long.
      const isHopeless = attempt >= (answer.isUnreached === true ? 2 : MAX_ATTEMPTS) || performance.now() + pauseMs >= untilMs;
      if (isHopeless) throw new Error(answer.reason);
      await sleep(pauseMs, undefined, { signal, ref: false });
    }
  };

  return {
    get isClosed() {
      return isClosed;
    },
    embed: async (texts, { timeoutMs }) => {
      if (isClosed) throw new Error('the gateway ended');
      const body = JSON.stringify({ model, input: texts, ...(dimensions !== undefined && { dimensions }) });
      const ending = new AbortController();
      const { signal } = ending;
      underWay.add(ending);
      const untilMs = performance.now() + timeoutMs;
      const timer = setTimeout(() => ending.abort(), timeoutMs);
      try {
        const release = await slots.take(signal);
        try {
          return parseVectors(await ask(body, signal, untilMs), { count: texts.length, dimensions });
        } finally {
          release();
        }
      } catch (error) {
        if (!signal.aborted) throw error;
        throw new Error(isClosed ? 'the gateway ended' : `it has not answered within ${timeoutMs} ms`, { cause: error });
      } finally {
        clearTimeout(timer);
        underWay.delete(ending);
      }
    },
    close: () => {
      isClosed = true;
      for (const ending of underWay) ending.abort();
    },
  };
}

interface RetryLater {
  readonly reason: string;
  /** As the server asks. */
  readonly waitMs?: number;
  readonly isUnreached?: boolean;
}

function addressOf(url: string): string {
  const address = new URL(url);
  const path = address.pathname.replace(/\/+$/, '');
  address.pathname = path.endsWith('/embeddings') ? path : `${path}/embeddings`;
  return address.href;
}

async function readJson(response: Response): Promise<unknown> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.byteLength;
    if (bytes > MAX_ANSWER_BYTES) throw new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown;
  } catch {
    // The parser's message would quote the answer.
    throw new Error('its answer is no JSON');
  }
}

function causeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : toMessage(cause ?? error);
}
