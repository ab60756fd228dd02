import { isObject } from '@signalbox/core';

const MAX_LENGTH = 8_192;

/**
 * Reads the vectors of `count` texts from an answer, in the order of the texts, each brought to length 1.
 * @throws Error that says what is wrong with the answer, and nothing of what it holds.
 */
export function parseVectors(
  answer: unknown,
  { count, dimensions }: { readonly count: number; readonly dimensions?: number | undefined },
): Float32Array[] {
  const data = isObject(answer) ? answer['data'] : undefined;
  if (!Array.isArray(data)) throw new Error('its answer holds no list "data"');
  if (data.length !== count) throw new Error(`it gave ${data.length} vectors for ${count} texts`);
  const vectors = new Map<number, Float32Array>();
  for (const [place, item] of data.entries()) {
    const { index = place, embedding } = isObject(item) ? item : {};
    if (!Number.isInteger(index) || (index as number) < 0 || (index as number) >= count || vectors.has(index as number))
      throw new Error('its answer numbers vectors wrongly');
    vectors.set(index as number, toVector(embedding));
  }
  const ordered = Array.from({ length: count }, (_, index) => vectors.get(index)!);
  const length = dimensions ?? ordered[0]?.length;
  const other = ordered.find((vector) => vector.length !== length);
  if (other !== undefined) throw new Error(`it gave a vector of ${other.length} numbers where ${length} are due`);
  return ordered;
}

function toVector(embedding: unknown): Float32Array {
  if (!Array.isArray(embedding) || embedding.length === 0 || embedding.length > MAX_LENGTH)
    throw new Error(`it gave a vector that is no list of 1 to ${MAX_LENGTH} numbers`);
  if (!embedding.every((value) => typeof value === 'number' && Number.isFinite(value)))
    throw new Error('it gave a vector with something in it that is no number');
  const norm = Math.sqrt((embedding as readonly number[]).reduce((sum, value) => sum + value ** 2, 0));
  if (norm === 0 || !Number.isFinite(norm)) throw new Error('it gave a vector without a direction');
  return Float32Array.from(embedding as readonly number[], (value) => value / norm);
}
