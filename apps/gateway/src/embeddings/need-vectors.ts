import { toMessage, type Awaitable } from '@signalbox/core';
import type { Circuit } from './circuit.ts';
import { RefusedTexts, type EmbeddingClient } from './embedding-client.ts';

export interface NeedVectorsOptions {
  readonly client: EmbeddingClient;
  readonly circuit: Circuit;
  readonly timeoutMs: number;
  /** Hears how long the vectors of an answer are. */
  readonly onLength: (length: number) => void;
  readonly maxKept?: number;
}

type Vectors = readonly (Float32Array | undefined)[];

/** Those asked for least of late go first. */
const MAX_KEPT = 1_000;
// Small models take no more than about five hundred tokens.
const MAX_CHARS = 1_500;

/** Returns what gives the vectors of needs: at once where they are known or cannot be had, otherwise within the time. */
export function createNeedVectors({ client, circuit, timeoutMs, onLength, maxKept = MAX_KEPT }: NeedVectorsOptions) {
  const known = new Map<string, Float32Array>();
  const underWay = new Map<string, Promise<Float32Array | undefined>>();
  const recall = (need: string): Float32Array | undefined => {
    const vector = known.get(need);
    if (vector === undefined) return undefined;
    known.delete(need);
    known.set(need, vector);
    return vector;
  };
  const remember = (need: string, vector: Float32Array): void => {
    known.set(need, vector);
    const [oldest] = known.keys();
    if (known.size > maxKept) known.delete(oldest!);
  };
  const ask = async (needs: readonly string[]): Promise<Vectors> => {
    try {
      const vectors = await client.embed(needs, { timeoutMs });
      circuit.succeeded();
      onLength(vectors[0]!.length);
      for (const [index, vector] of vectors.entries()) remember(needs[index]!, vector);
      return vectors;
    } catch (error) {
      // What one caller asks for must not keep the others from asking.
      if (error instanceof RefusedTexts) circuit.succeeded();
      else if (!client.isClosed) circuit.failed(toMessage(error));
      return needs.map(() => undefined);
    }
  };
  return (given: readonly string[]): Awaitable<Vectors> => {
    const needs = given.map((need) => need.slice(0, MAX_CHARS));
    const fresh = [...new Set(needs)].filter((need) => !known.has(need) && !underWay.has(need));
    if (fresh.length > 0 && circuit.tryEnter()) {
      const answer = ask(fresh);
      for (const [index, need] of fresh.entries()) {
        const one = answer.then((vectors) => vectors[index]);
        underWay.set(need, one);
        void one.finally(() => underWay.delete(need));
      }
    }
    const found = needs.map((need) => recall(need) ?? underWay.get(need));
    return found.some((vector) => vector instanceof Promise) ? Promise.all(found) : (found as Vectors);
  };
}
