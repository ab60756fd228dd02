import type { Store, StoreOperation } from '@signalbox/core';

/** Puts some of everything into a store: odd keys, empty and large values, logs that were trimmed or begun elsewhere. */
export async function fillStore(store: Store): Promise<void> {
  const put = (collection: string, key: string, value: Buffer): StoreOperation => ({ kind: 'put', collection, key, value });
  const append = (log: string, values: readonly Buffer[], ifNext?: number): StoreOperation => ({ kind: 'append', log, values, ifNext });
  const texts = Array.from({ length: 40 }, (_, index) => Buffer.from(`entry ${index}`));
  await store.commit([
    ...['a', 'é', '\u{1f600}', ' ', '"\\\n'].map((key) => put('odd-keys', key, Buffer.from(key))),
    put('values', 'none', Buffer.alloc(0)),
    put('values', 'large', Buffer.alloc(300_000, '\0\xff')),
    ...texts.map((text, index) => put('many', `key ${index}`, text)),
    append('plain', texts),
    append('trimmed', texts),
    { kind: 'trim', log: 'trimmed', before: 17 },
    append('emptied', texts),
    { kind: 'trim', log: 'emptied', before: 1000 },
    append('late', [Buffer.alloc(0), Buffer.from([0, 1, 255])], 4_000_000_000),
  ]);
}

/** Everything in a store but the versions, which are each store's own, as text that can be compared. */
export async function describeContents(store: Store): Promise<unknown> {
  const { collections, logs } = await store.names();
  return {
    collections: await Promise.all(
      collections.map(async (name) => [name, (await store.list(name)).map(({ key, value }) => [key, value.toString('base64')])]),
    ),
    logs: await Promise.all(
      logs.map(async (name) => [
        await store.span(name),
        (await store.read(name)).map(({ sequence, value }) => [sequence, value.toString('base64')]),
      ]),
    ),
  };
}
