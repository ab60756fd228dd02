import { GatewayError, type StoreOperation } from '@signalbox/core';

const NAME = /^[a-z0-9._-]{1,100}$/;
const MAX_KEY_BYTES = 512;
/** Largest value of an entry, in bytes. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024;
export const DEFAULT_LIMIT = 1000;

/** @throws GatewayError `INTERNAL`: names come from our own code, never from a caller. */
export function checkName(name: string): void {
  if (!NAME.test(name))
    throw new GatewayError('INTERNAL', `Cannot use "${name}" in a store: a name has 1 to 100 of the characters a-z, 0-9, ".", "_" and "-"`);
}

/** @throws GatewayError `INTERNAL` for a key that has no bytes or too many. */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes < 1 || bytes > MAX_KEY_BYTES || isTorn(key) || key.includes('\0'))
    throw new GatewayError(
      'INTERNAL',
      `Cannot use a key of ${bytes} bytes in a store: it must be text of 1 to ${MAX_KEY_BYTES} bytes without NUL`,
    );
}

/** @throws GatewayError `INTERNAL` for operations no driver takes; `TOO_LARGE` for a value beyond the bound. */
export function checkOperations(operations: readonly StoreOperation[]): void {
  for (const operation of operations) {
    if (operation.kind === 'put' || operation.kind === 'delete') {
      checkName(operation.collection);
      checkKey(operation.key);
      if (operation.kind === 'put') checkValue(operation.value);
    } else {
      checkName(operation.log);
      if (operation.kind !== 'append') continue;
      if (operation.values.length === 0) throw new GatewayError('INTERNAL', `Cannot append nothing to "${operation.log}"`);
      if (operation.ifNext !== undefined && !(Number.isSafeInteger(operation.ifNext) && operation.ifNext >= 1))
        throw new GatewayError(
          'INTERNAL',
          `Cannot append to "${operation.log}" at ${operation.ifNext}: sequences are whole numbers from 1`,
        );
      for (const value of operation.values) checkValue(value);
    }
  }
}

/** The error of a precondition that failed. */
export function stale(operation: StoreOperation, index: number, found: number): GatewayError {
  const message =
    operation.kind === 'put' || operation.kind === 'delete'
      ? `Cannot change "${operation.key}" in "${operation.collection}": it has version ${found} and not ${operation.ifVersion} any more`
      : `Cannot append to "${operation.kind === 'append' ? operation.log : ''}": another writer has, its next sequence is ${found}`;
  return new GatewayError('STALE', message, { data: { operation: index, found } });
}

/** The error of a store that was closed. */
export function closed(kind: string): GatewayError {
  return new GatewayError('STORE_UNAVAILABLE', `Cannot use the ${kind} store: it is closed`);
}

function checkValue(value: Buffer): void {
  if (value.length > MAX_VALUE_BYTES)
    throw new GatewayError('TOO_LARGE', `Cannot keep a value of ${value.length} bytes: at most ${MAX_VALUE_BYTES} are possible`);
}

// Half of a surrogate pair has no bytes of its own in UTF-8.
function isTorn(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}
