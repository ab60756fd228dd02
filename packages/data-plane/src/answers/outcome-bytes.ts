import { RawJson, isObject, type ResultOutcome } from '@signalbox/core';

/** What a cache of outcomes needs to know of them. */
export const outcomeCodec = {
  sizeOf: ({ result }: ResultOutcome): number => result.byteLength,
  encode: toOutcomeBytes,
  decode: fromOutcomeBytes,
};

// A line of JSON that says how to read the bytes behind it, which stay as they came.
function toOutcomeBytes({ result, revision, modernMembers }: ResultOutcome): Buffer {
  const head = JSON.stringify({ revision, ...(modernMembers !== undefined && { modernMembers }) });
  return Buffer.concat([Buffer.from(`${head}\n`), ...result.parts]);
}

// Returns `undefined` for bytes that are no outcome.
function fromOutcomeBytes(bytes: Buffer): ResultOutcome | undefined {
  const end = bytes.indexOf(0x0a);
  if (end < 0) return undefined;
  try {
    const head: unknown = JSON.parse(bytes.toString('utf8', 0, end));
    if (!isObject(head) || typeof head['revision'] !== 'string') return undefined;
    return {
      kind: 'result',
      result: RawJson.fromBytes(bytes.subarray(end + 1)),
      // Only such are kept.
      resultType: 'complete',
      isError: false,
      revision: head['revision'],
      modernMembers: head['modernMembers'] as readonly number[] | undefined,
    };
  } catch {
    return undefined;
  }
}
