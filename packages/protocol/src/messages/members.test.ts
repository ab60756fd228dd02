import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawJson } from '@signalbox/core';
import { readMember, withMember, withoutMember } from './members.ts';

const raw = (text: string) => RawJson.fromBytes(Buffer.from(text));
const objects = fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 5,
  noNullPrototype: true,
});
const own = (object: Record<string, unknown>, name: string): unknown => (Object.hasOwn(object, name) ? object[name] : undefined);

test('members are read, replaced, added and removed as in an object of JavaScript', () => {
  fc.assert(
    fc.property(objects, fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom(undefined, 2), (value, other, space) => {
      const text = JSON.stringify(value, undefined, space);
      const plain = JSON.parse(text) as Record<string, unknown>;
      for (const name of [other, ...Object.keys(plain)]) {
        expect(readMember(raw(text), name)?.value).toEqual(own(plain, name));
        const { [name]: _, ...rest } = plain;
        expect(withMember(raw(text), name, raw('[7]')).value).toEqual({ ...plain, [name]: [7] });
        expect(withoutMember(raw(text), name)?.value ?? {}).toEqual(rest);
      }
    }),
  );
});

test('all other bytes stay as they are', () => {
  expect(withMember(raw('{ "n": 9007199254740993, "t" : 1 }'), 't', raw('"x"')).bytes.toString()).toBe(
    '{ "n": 9007199254740993, "t" : "x" }',
  );
  expect(withoutMember(raw('{ "n": 9007199254740993, "t" : 1 }'), 't')!.bytes.toString()).toBe('{"n":9007199254740993}');
  expect(withMember(undefined, 't', raw('1')).bytes.toString()).toBe('{"t":1}');
  expect(withMember(raw('{ }'), 't', raw('1')).bytes.toString()).toBe('{ "t":1}');
});
