import type { Awaitable } from './call.ts';

/**
 * Gives texts vectors of length 1, which lie the closer together the more alike the texts are in what they mean. A second
 * opinion that may be late, wrong or gone: whoever asks goes by itself where there is no answer.
 */
export interface Embedder {
  /** How much its order counts beside that of words, which counts 1. */
  readonly weight: number;
  /** Grows whenever a vector of a tool comes or goes. */
  readonly version: number;
  /** Says which tools there are, all of them. Vectors that are not known are asked for later, and nobody waits for them. */
  setTools(texts: Iterable<string>): void;
  /** The vector of a tool's text; `undefined` while it is not known. */
  vectorOf(text: string): Float32Array | undefined;
  /** The vectors of needs, in order; `undefined` where there is none in time. Never rejects, and waits no longer than its deadline. */
  embed(needs: readonly string[]): Awaitable<readonly (Float32Array | undefined)[]>;
}
