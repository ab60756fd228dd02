import { systemClock, type Store } from '@signalbox/core';
import { createKeyring, createSealedStore } from '../../../packages/storage/src/index.ts';

const master = Buffer.alloc(32, 'master key');

/** Seals some of what a store keeps, always under the same master key. */
export async function seal(store: Store): Promise<Store> {
  const keyring = await createKeyring({ store, master, clock: systemClock });
  return createSealedStore(store, keyring, { isSealed: (name) => !name.endsWith('2') });
}
