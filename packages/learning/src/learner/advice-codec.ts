import { deserialize, serialize } from 'node:v8';
import { createSimilarityModel } from '../cache-advice/similarity-model.ts';
import type { ModelState } from '../model.ts';
import type { AdviceSnapshots } from './messages.ts';

/** What was published, and its version. */
export interface Published {
  readonly version: number;
  readonly snapshots: AdviceSnapshots;
}

type Written = Omit<AdviceSnapshots, 'search' | 'similarity'> & {
  readonly version: number;
  readonly search: Uint8Array;
  readonly similarity: ModelState | undefined;
};

/** Puts what was published into bytes, for another process of the same gateway. */
export function encodeAdvice({ version, snapshots }: Published): Buffer {
  const { search, similarity, ...others } = snapshots;
  const written: Written = { ...others, version, search: new Uint8Array(search), similarity: similarity?.save() };
  return serialize(written);
}

/** Reads what `encodeAdvice` of the same version of the gateway has written; it must come from somebody who is trusted. */
export function decodeAdvice(bytes: Uint8Array): Published {
  const { version, search, similarity, ...others } = deserialize(bytes) as Written;
  const shared = new SharedArrayBuffer(search.byteLength);
  new Uint8Array(shared).set(search);
  const model = similarity && createSimilarityModel();
  model?.load(similarity!);
  return { version, snapshots: { ...others, search: shared, similarity: model } };
}
