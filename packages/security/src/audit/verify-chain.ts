import type { Store } from '@signalbox/core';
import { findFlaw, hashOf, lostBefore, type ChainHead } from './audit-entry.ts';
import { readAnchor } from './chain-writer.ts';

/** What is to be said of one chain. */
export interface ChainVerdict {
  readonly chain: string;
  readonly first: number;
  readonly last: number;
  /** Hash of the last record. */
  readonly head: string;
  /** Records that could not be kept, as the chain itself says. */
  readonly lost: number;
  readonly broken: { readonly sequence: number; readonly reason: string } | undefined;
}

const PAGE = 1_000;

/**
 * Reads a chain from end to end and finds the first record that is not as it was written.
 * @param known Records it is known to have had, which tell whether its end was cut off or all of it was written anew.
 */
export async function verifyChain(store: Store, chain: string, known: readonly ChainHead[] = []): Promise<ChainVerdict> {
  const { first, last } = await store.span(chain);
  const hashes = new Map(known.map(({ sequence, hash }) => [sequence, hash]));
  let head = await readAnchor(store, chain);
  let lost = 0;
  const verdict = (sequence?: number, reason = ''): ChainVerdict => ({
    chain,
    first,
    // Records that were added while it was read have been read, too.
    last: Math.max(last, head.sequence),
    head: head.hash,
    lost,
    broken: sequence === undefined ? undefined : { sequence, reason },
  });
  if (first !== head.sequence + 1) {
    const missing = Math.min(first, head.sequence + 1);
    return verdict(missing, first > missing ? `the records in front of ${first} are missing` : 'it was let go of and is there again');
  }
  while (head.sequence < last) {
    const page = await store.read(chain, { from: head.sequence + 1, limit: PAGE });
    if (page.length === 0) break;
    for (const { sequence, value } of page) {
      if (sequence !== head.sequence + 1) return verdict(head.sequence + 1, 'it is missing');
      const flaw = findFlaw(chain, head, value);
      if (flaw !== undefined) return verdict(sequence, flaw);
      head = { sequence, hash: hashOf(value) };
      lost += lostBefore(value, { chain, sequence });
      const expected = hashes.get(sequence);
      if (expected !== undefined && expected !== head.hash) return verdict(sequence, 'it is another than the one that is known');
    }
  }
  const cut = known.find(({ sequence }) => sequence > head.sequence);
  return cut === undefined && head.sequence >= last ? verdict() : verdict(head.sequence + 1, 'it was kept once and is missing');
}
