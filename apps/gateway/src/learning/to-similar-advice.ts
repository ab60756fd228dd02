import type { SimilarAdvice } from '@signalbox/core';
import { candidateKey, compareArguments, type SimilarityModel } from '@signalbox/learning';
import type { KeyedHash } from './keyed-hash.ts';

export interface SimilarAdviceParts {
  readonly similarity: Pick<SimilarityModel, 'judge'>;
  /** A tool with its upstream and version. */
  readonly keyOf: (upstream: string, tool: string) => string;
  readonly hash: KeyedHash;
}

/** What was learned of similar calls, as the path asks it. */
export function toSimilarAdvice({ similarity, keyOf, hash }: SimilarAdviceParts): SimilarAdvice {
  return {
    keyOf: candidateKey,
    judge: ({ upstream, tool, inputSchema, asked, known, maxWrong }) => {
      const { kind, detail: values } = compareArguments({ a: asked, b: known }, { inputSchema });
      if (kind === undefined) return undefined;
      // It stands in facts, where nobody may try out which values it is made of.
      const detail = hash.bytes(Buffer.from(values));
      const { isServed, wrongBound, checkShare } = similarity.judge({
        tool: keyOf(upstream, tool),
        difference: { kind, detail },
        maxWrong,
      });
      return { isServed, wrongBound, checkShare, edit: kind, detail };
    },
  };
}
