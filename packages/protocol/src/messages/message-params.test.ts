import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RawJson } from '@signalbox/core';
import { encodeRequest, withParams } from './encode.ts';
import { MessageParams } from './message-params.ts';
import { decodeFrame, decodeStrict, type RequestMessage } from './message.ts';

const read = (params: string, space = '') =>
  decodeStrict(Buffer.from(`{${space}"params"${space}:${params}${space},"jsonrpc":"2.0","id":7,"method":"tools/call"${space}}`), {
    maxDepth: 20,
  }) as RequestMessage;

/** Names of all kinds, those among them that JavaScript puts in front of others. */
const names = fc.oneof(fc.constantFrom('1', '007', '10', '', '__proto__', 'length', 'näme', '"', 'a b'), fc.string({ maxLength: 5 }));
const objects = fc
  .tuple(fc.uniqueArray(fc.tuple(names, fc.jsonValue({ maxDepth: 3 })), { selector: ([name]) => name }), fc.constantFrom('', ' ', '\n\t'))
  .map(([members, space]) => ({
    members: members.map(([name, value]) => [name, JSON.stringify(value)] as const),
    space,
    text: `{${space}${members.map(([name, value]) => `${JSON.stringify(name)}${space}:${space}${JSON.stringify(value)}${space}`).join(',')}}`,
  }));

test('params are those that were written, in their order, by every way to read them', () => {
  fc.assert(
    fc.property(objects, ({ members, space, text }) => {
      const { params } = read(text, space);
      const seen = [...params].map(([name, raw]) => [name, raw.bytes.toString()]);
      expect(seen).toEqual(members);
      expect([...params.keys()]).toEqual(members.map(([name]) => name));
      expect([...params.values()].map(({ value }) => value)).toEqual(members.map(([, value]) => JSON.parse(value)));
      expect([...params.entries()].map(([name]) => name)).toEqual(members.map(([name]) => name));
      const each: string[] = [];
      for (const [name, raw] of new Map(params)) each.push(name, raw.bytes.toString());
      expect(each).toEqual(members.flat());
      expect([params.size, params.has('absent!'), params.get('absent!')]).toEqual([members.length, false, undefined]);
      for (const [name, value] of members) expect([params.has(name), params.get(name)!.bytes.toString()]).toEqual([true, value]);
    }),
  );
});

test('params that are passed on as they came are the same bytes', () => {
  fc.assert(
    fc.property(objects, ({ text }) => {
      const { params } = read(text);
      const sent = encodeRequest('9', 'tools/call', params).toString();
      const whole = `{"jsonrpc":"2.0","id":9,"method":"tools/call","params":${text}}`;
      expect(sent).toBe(params instanceof MessageParams ? whole : sent);
      expect([...(decodeFrame(Buffer.from(sent)) as RequestMessage).params].map(([name, raw]) => [name, raw.value])).toEqual(
        [...params].map(([name, raw]) => [name, raw.value]),
      );
    }),
  );
});

test('changed params are those of a changed map, however often they are changed', () => {
  const change = fc.record({ name: names, value: fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }) });
  const changes = fc.array(fc.uniqueArray(change, { selector: ({ name }) => name, maxLength: 4 }), { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(objects, changes, ({ members, text }, rounds) => {
      let params = read(text).params;
      const expected = new Map(members);
      for (const round of rounds) {
        const wishes = Object.fromEntries(
          round.map(({ name, value }) => [name, value === undefined ? undefined : RawJson.fromBytes(Buffer.from(JSON.stringify(value)))]),
        );
        params = withParams(params, wishes);
        for (const [name, raw] of Object.entries(wishes)) {
          if (raw === undefined) expected.delete(name);
          else expected.set(name, raw.bytes.toString());
        }
      }
      expect([...params].map(([name, raw]) => [name, raw.bytes.toString()])).toEqual([...expected]);
      const sent = decodeFrame(encodeRequest('9', 'm', params)) as RequestMessage;
      expect([...sent.params].map(([name, raw]) => [name, raw.bytes.toString()])).toEqual([...expected]);
      expect(() => JSON.parse(encodeRequest('9', 'm', params).toString()) as unknown).not.toThrow();
    }),
    { numRuns: 500 },
  );
});

test('a usual call is read in the short way, and one with a number for a name in the long one', () => {
  expect(read('{"name":"echo","arguments":{}}').params).toBeInstanceOf(MessageParams);
  expect(read('{"name":"echo","1":{}}').params).not.toBeInstanceOf(MessageParams);
});

test('a method may have any text', () => {
  const sent = encodeRequest('1', 'ä"\\', read('{"a":"ü"}').params);
  expect(JSON.parse(sent.toString())).toEqual({ jsonrpc: '2.0', id: 1, method: 'ä"\\', params: { a: 'ü' } });
});
