import { RawJson, exactJson, hasExactText, keepExactText } from '@signalbox/core';
import { Scanner } from './scan.ts';

/** The member of that name as it stands in the text, or `undefined` when there is none or the value is no object. */
export function readMember(object: RawJson, name: string): RawJson | undefined {
  const { bytes } = object;
  if (bytes[0] !== 0x7b) return undefined;
  const scanner = new Scanner(bytes);
  let found: RawJson | undefined;
  scanner.scanObject(0, (key, start) => {
    const end = scanner.skipValue(start);
    if (key === name) found = RawJson.fromBytes(bytes.subarray(start, end));
    return end;
  });
  return found;
}

/** The elements of an array as they stand in the text; none when the value is no array. */
export function readElements({ bytes }: RawJson): readonly RawJson[] {
  const elements: RawJson[] = [];
  if (bytes[0] !== 0x5b) return elements;
  const scanner = new Scanner(bytes);
  let position = scanner.skipSpace(1);
  while (position < bytes.length && bytes[position] !== 0x5d) {
    const end = scanner.skipValue(position);
    elements.push(RawJson.fromBytes(bytes.subarray(position, end)));
    position = scanner.skipSpace(end);
    if (bytes[position] === 0x2c) position = scanner.skipSpace(position + 1);
  }
  return elements;
}

/** A copy of an object with one member replaced, or added as the last one. All other bytes are kept. No object counts as an empty one. */
export function withMember(object: RawJson | undefined, name: string, value: RawJson): RawJson {
  const key = JSON.stringify(name);
  if (object === undefined || object.bytes[0] !== 0x7b) return join([`{${key}:`, value.bytes, '}']);
  const { bytes } = object;
  const scanner = new Scanner(bytes);
  let from = -1;
  let to = -1;
  const after = scanner.scanObject(0, (found, start) => {
    const end = scanner.skipValue(start);
    if (found === name) {
      from = start;
      to = end;
    }
    return end;
  });
  if (from >= 0) return join([bytes.subarray(0, from), value.bytes, bytes.subarray(to)]);
  return join([bytes.subarray(0, after - 1), scanner.members === 0 ? `${key}:` : `,${key}:`, value.bytes, '}']);
}

/** A copy of an object without one member, or `undefined` when no other is left. */
export function withoutMember(object: RawJson, name: string): RawJson | undefined {
  const { bytes } = object;
  if (bytes[0] !== 0x7b) return object;
  const scanner = new Scanner(bytes);
  const kept: (Buffer | string)[] = [];
  scanner.scanObject(0, (key, start) => {
    const end = scanner.skipValue(start);
    if (key !== name) kept.push(`${kept.length === 0 ? '{' : ','}${JSON.stringify(key)}:`, bytes.subarray(start, end));
    return end;
  });
  return kept.length === 0 ? undefined : join([...kept, '}']);
}

/**
 * A changed copy of a value that was read from text. Where that text was kept, the copy keeps it too, with the same change
 * made in it.
 */
export function changedExactly<Value extends object>(value: object, copy: Value, change: (text: RawJson) => RawJson | undefined): Value {
  const text = hasExactText(value) ? change(RawJson.fromBytes(Buffer.from(exactJson(value)))) : undefined;
  if (text !== undefined) keepExactText(copy, text.bytes.toString('utf8'));
  return copy;
}

function join(parts: readonly (Buffer | string)[]): RawJson {
  return RawJson.fromBytes(Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))));
}
