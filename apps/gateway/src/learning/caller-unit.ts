import type { SearchCaller } from '@signalbox/core';
import type { KeyedHash } from './keyed-hash.ts';

/** Keyed hash of what holds a conversation together: the session, or principal and client where there is none. */
export function unitOf(hash: KeyedHash, { session, principal, client }: SearchCaller): string {
  return hash.text(session ?? `${principal}\n${client ?? ''}`);
}
