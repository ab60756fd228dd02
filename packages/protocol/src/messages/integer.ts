import type { RawJson } from '@signalbox/core';

/** Reads JSON text that is a plain non-negative integer, as our own ids and tokens are; `undefined` for anything else. */
export function readInteger(raw: RawJson | undefined): number | undefined {
  if (raw === undefined) return undefined;
  const { bytes } = raw;
  if (bytes.length === 0 || bytes.length > 15) return undefined;
  let value = 0;
  for (let index = 0; index < bytes.length; index++) {
    const digit = bytes[index]! - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
