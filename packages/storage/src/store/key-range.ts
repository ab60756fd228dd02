import { GatewayError, type ListOptions } from '@signalbox/core';

/** The keys a list may hold: behind `after`, not before `from`, before `below`. */
export interface KeyRange {
  readonly after: string | undefined;
  readonly from: string;
  readonly below: string | undefined;
}

/**
 * Turns a prefix into bounds that any ordered index understands.
 * @throws GatewayError `INTERNAL` for texts that no key could equal.
 */
export function keyRangeOf({ prefix = '', after }: ListOptions): KeyRange {
  for (const text of [prefix, after ?? ''])
    if (/\p{Surrogate}|\0/u.test(text)) throw new GatewayError('INTERNAL', 'Cannot list keys: a bound must be text without NUL');
  return { after, from: prefix, below: endOf(prefix) };
}

// Code points are ordered as their UTF-8 bytes are, so the next one ends the range; there is none behind the last.
function endOf(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  const next = last === 0xd7ff ? 0xe000 : last + 1;
  return String.fromCodePoint(...points, next);
}
