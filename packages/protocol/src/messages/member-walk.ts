import { Scanner } from './scan.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** What a walk through the text of an object finds. */
export interface MemberWalk {
  /** Members of all objects in it. */
  readonly members: number;
  /** Deepest nesting. */
  readonly deepest: number;
  /** Where the values of its own members begin and end, in turn. */
  readonly outer: readonly number[];
  /** The same for the members of the one that was asked for, if it is an object. */
  readonly inner: readonly number[];
}

/**
 * Walks the text of a JSON object, which must be valid: only then do colons, commas and brackets outside of texts tell all
 * there is to know.
 * @param inside Which of its members to look into, counted from 0.
 */
export function walkMembers(bytes: Buffer, inside: number): MemberWalk {
  const scanner = new Scanner(bytes);
  const outer: number[] = [];
  const inner: number[] = [];
  // Members of this depth are those of the member asked for, while it lasts.
  let innerDepth = -1;
  let members = 0;
  let deepest = 0;
  let depth = 0;
  for (let position = 0; position < bytes.length;) {
    const byte = bytes[position]!;
    if (byte === QUOTE) {
      position = scanner.skipValue(position);
      continue;
    }
    position++;
    switch (byte) {
      case COLON:
        members++;
        if (depth === 1) {
          outer.push(position);
          if (outer.length === 2 * inside + 1) innerDepth = 2;
        } else if (depth === innerDepth) inner.push(position);
        break;
      case COMMA:
        if (depth === 1) {
          outer.push(position - 1);
          innerDepth = -1;
        } else if (depth === innerDepth) inner.push(position - 1);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > deepest) deepest = depth;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (depth === 1 && outer.length > 0) outer.push(position - 1);
        else if (depth === innerDepth && inner.length > 0) inner.push(position - 1);
        depth--;
        break;
    }
  }
  trim(bytes, outer);
  trim(bytes, inner);
  return { members, deepest, outer, inner };
}

function trim(bytes: Buffer, places: number[]): void {
  for (let index = 0; index < places.length; index += 2) {
    let start = places[index]!;
    let end = places[index + 1]!;
    while (isSpace(bytes[start])) start++;
    while (isSpace(bytes[end - 1])) end--;
    places[index] = start;
    places[index + 1] = end;
  }
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
