import { createHash } from 'node:crypto';
import { GatewayError } from '@signalbox/core';
import { deriveKey, KEY_BYTES, KEY_ID_BYTES, seal, unseal } from './envelope.ts';

/** Master keys by which data keys are wrapped and unwrapped. */
export interface MasterKeys {
  /** Fingerprint of the one that wraps. */
  readonly current: string;
  wrap(key: Buffer, id: string): Buffer;
  /** @throws GatewayError `INVALID_CONFIG` when none of them is the one, or what is wrapped was changed. */
  unwrap(wrapped: Buffer, options: { readonly id: string; readonly by: string }): Buffer;
}

/** @throws GatewayError `INVALID_CONFIG` for a key of the wrong length. */
export function createMasterKeys(master: Buffer, previous: readonly Buffer[]): MasterKeys {
  for (const { length } of [master, ...previous])
    if (length !== KEY_BYTES) throw cannotOpen(`a master key has ${length} bytes in place of ${KEY_BYTES}`);
  const wrapping = new Map([...previous, master].map((key) => [fingerprintOf(key), deriveKey(key, 'data keys')]));
  const current = fingerprintOf(master);
  // A wrapped key is sealed like a value; in place of a key id stands what the master key is known by.
  const masterId = createHash('sha256').update(current).digest().subarray(0, KEY_ID_BYTES);
  return {
    current,
    wrap: (key, id) => seal(key, { id: masterId, key: wrapping.get(current)!, place: ['data key', id] }),
    unwrap: (wrapped, { id, by }) => {
      const key = wrapping.get(by);
      if (key === undefined) {
        const given = [...wrapping.keys()].toReversed().map((fingerprint) => `"${fingerprint}"`);
        throw cannotOpen(
          `it is protected by the master key "${by}", and given was ${given.join(', ')}; give the right one as "storage.encryption.key", or among "storage.encryption.previous"`,
        );
      }
      const opened = unseal(wrapped, { key, place: ['data key', id] });
      if (opened === undefined) throw cannotOpen(`its key "${id}" was changed since it was wrapped under the master key "${by}"`);
      return opened;
    },
  };
}

/** What a master key may be known by: too short to be of use to anyone who does not have it. */
export function fingerprintOf(master: Buffer): string {
  return createHash('sha256').update('signalbox master key').update(master).digest('hex').slice(0, 12);
}

function cannotOpen(reason: string): GatewayError {
  return new GatewayError('INVALID_CONFIG', `Cannot open the sealed store: ${reason}`);
}
