import type { Store, StoreOperation } from '@signalbox/core';
import { ANCHORS, decodeEntry, hashOf, mayHavePayload, timeOf, type ChainHead } from './audit-entry.ts';
import { deletePayloadsUpTo } from './payloads.ts';

const PAGE = 500;

export interface TrimOptions {
  /** Records from before this moment are let go, by the wall clock. */
  readonly beforeMs: number;
  /** Records that may stay. */
  readonly maxRecords: number;
}

/**
 * Lets the oldest records of a chain go, with what was kept beside them, up to the first that may stay. What the first one
 * has to follow is written down, so that the rest still verifies.
 * @returns the last record that went, if any did.
 */
export async function trimChain(store: Store, chain: string, { beforeMs, maxRecords }: TrimOptions): Promise<ChainHead | undefined> {
  let anchor: ChainHead | undefined;
  for (;;) {
    const { last } = await store.span(chain);
    const page = await store.read(chain, { limit: PAGE });
    const stay = page.findIndex(({ sequence, value }) => {
      if (last - sequence >= maxRecords) return false;
      const entry = decodeEntry(value, { chain, sequence });
      // What cannot be read has to stay, as it shows that something was done to it.
      return entry === undefined || timeOf(entry) >= beforeMs;
    });
    const gone = stay < 0 ? page : page.slice(0, stay);
    const newest = gone.at(-1);
    if (newest === undefined) return anchor;
    anchor = { sequence: newest.sequence, hash: hashOf(newest.value) };
    const operations: StoreOperation[] = [
      { kind: 'put', collection: ANCHORS, key: chain, value: Buffer.from(JSON.stringify(anchor)) },
      { kind: 'trim', log: chain, before: newest.sequence + 1 },
    ];
    for (const { sequence, value } of gone) if (mayHavePayload(value)) operations.push(deletePayloadsUpTo(chain, sequence));
    await store.commit(operations);
    if (stay >= 0) return anchor;
  }
}
