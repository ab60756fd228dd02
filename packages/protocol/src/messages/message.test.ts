import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GatewayError } from '@signalbox/core';
import { decodeFrame, decodeStrict, readableId, type Message, type RequestMessage } from './message.ts';

const LIMITS = { maxDepth: 16 };
const strict = (text: string): Message => decodeStrict(Buffer.from(text), LIMITS);
const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    return error instanceof GatewayError ? error.code : String(error);
  }
  return 'accepted';
};
const wrap = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"m","params":${params}}`;
/** JSON objects, with white space and escapes as a writer may choose them. */
const objects = fc
  .tuple(
    fc.dictionary(fc.string({ unit: 'binary', maxLength: 6 }), fc.jsonValue({ maxDepth: 4 }), { maxKeys: 5, noNullPrototype: true }),
    fc.constantFrom(undefined, 1, '\t', '\r\n '),
  )
  .map(([value, space]) => ({
    value: JSON.parse(JSON.stringify(value)) as Record<string, unknown>,
    text: JSON.stringify(value, undefined, space),
  }));

test('a strict message has the values JSON.parse reads, and the bytes that were written', () => {
  fc.assert(
    fc.property(objects, ({ value, text }) => {
      const message = strict(wrap(text)) as RequestMessage;
      expect([...message.params.keys()].toSorted()).toEqual(Object.keys(value).toSorted());
      for (const [name, raw] of message.params) {
        expect(raw.value).toEqual(value[name]);
        expect(JSON.parse(raw.bytes.toString('utf8'))).toEqual(value[name]);
      }
    }),
  );
});

test('a frame is read as the strict reader reads it', () => {
  fc.assert(
    fc.property(objects, ({ text }) => {
      const [left, right] = [strict(wrap(text)) as RequestMessage, decodeFrame(Buffer.from(wrap(text))) as RequestMessage];
      expect([...right.params].map(([name, raw]) => [name, raw.bytes.toString()])).toEqual(
        [...left.params].map(([name, raw]) => [name, raw.bytes.toString()]),
      );
    }),
  );
});

test('an object that names a member twice is refused at any level, however it is escaped', () => {
  const nest = fc.array(
    fc.constantFrom<(inner: string) => string>(
      (inner) => `[${inner}]`,
      (inner) => `[1,{"z":${inner}}]`,
      (inner) => `{"q":${inner}}`,
    ),
    { maxLength: 5 },
  );
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 });
  const escapeAll = (text: string) =>
    `"${[...text].map((char) => [...Array(char.length).keys()].map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`).join('')).join('')}"`;
  fc.assert(
    fc.property(nest, name, fc.boolean(), (wraps, key, escaped) => {
      const twice = `{${JSON.stringify(key)}:1,${escaped ? escapeAll(key) : JSON.stringify(key)}:1}`;
      const inner = wraps.reduce((text, wrapOnce) => wrapOnce(text), twice);
      expect(codeOf(() => strict(wrap(`{"a":${inner}}`)))).toBe('INVALID_REQUEST');
    }),
  );
  expect(codeOf(() => strict('{"jsonrpc":"2.0","id":1,"method":"safe","method":"evil"}'))).toBe('INVALID_REQUEST');
  expect(codeOf(() => strict(wrap('{"__proto__":1,"__proto__":2}')))).toBe('INVALID_REQUEST');
  expect(codeOf(() => strict(wrap('{"a":{"x":1},"b":{"x":1}}')))).toBe('accepted');
});

test('nesting is allowed to the bound and no deeper', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.boolean(), (depth, isList) => {
      const open = isList ? '[' : '{"a":';
      const nested = `${open.repeat(depth)}1${(isList ? ']' : '}').repeat(depth)}`;
      expect(codeOf(() => strict(wrap(`{"a":${nested}}`)))).toBe(depth + 2 <= LIMITS.maxDepth ? 'accepted' : 'INVALID_REQUEST');
    }),
  );
  expect(codeOf(() => strict(wrap(`{"a":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`)))).toBe('INVALID_REQUEST');
});

test('text that is not JSON is refused, also where the scanner would not look', () => {
  const texts = [
    '',
    ' ',
    '{',
    '{"a":1,}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":tru}',
    '{"a":[1}',
    "{'a':1}",
    '{"a":"\t"}',
    '{"a":"\\x"}',
    '{"a":1}x',
    '{"a":NaN}',
    '\0{}',
    '{"a":"\ud800',
  ];
  for (const text of texts)
    expect(
      codeOf(() => strict(text)),
      JSON.stringify(text),
    ).toBe('PARSE_ERROR');
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0xef, 0xbb, 0xbf, 0x7b, 0x7d],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
    [0x22, 0xc0, 0xaf, 0x22],
  ]) {
    expect(codeOf(() => decodeStrict(Buffer.from(bytes), LIMITS))).toBe('PARSE_ERROR');
  }
});

test('kinds of messages are told apart, and what is none is refused', () => {
  expect(strict('{"jsonrpc":"2.0","id":"a","method":"m"}')).toMatchObject({ kind: 'request', method: 'm' });
  expect(strict('{"jsonrpc":"2.0","method":"m","params":{"a":1}}')).toMatchObject({ kind: 'notification', method: 'm' });
  expect(strict('{"jsonrpc":"2.0","id":1,"result":{"isError":true,"resultType":"task"}}')).toMatchObject({
    kind: 'response',
    outcome: { kind: 'result', isError: true, resultType: 'task' },
  });
  expect(strict('{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no","data":[1]}}')).toEqual({
    kind: 'response',
    id: undefined,
    outcome: { kind: 'error', error: { code: -1, message: 'no', data: [1] } },
  });
  for (const text of [
    '{}',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","id":1,"method":5}',
    '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    '{"jsonrpc":2.0,"id":1,"method":"m"}',
    '{"jsonrpc":"2.0","id":true,"method":"m"}',
    '{"jsonrpc":"2.0","id":[],"method":"m"}',
  ]) {
    expect(
      codeOf(() => strict(text)),
      text,
    ).toBe('INVALID_REQUEST');
  }
});

test.each([
  ['{"id":5}', '5'],
  ['{"id":-0}', '-0'],
  ['{"id":9007199254740993}', '9007199254740993'],
  ['{"id": "a\\u0062" }', '"a\\u0062"'],
  ['{"id":1.5}', undefined],
  ['{"id":1e2}', undefined],
  ['{"id":null}', undefined],
  ['[{"id":5}]', undefined],
  ['{"id":5', undefined],
  ['{"id":05}', undefined],
])('of the refused message %s the id is told in its own bytes, or not at all', (text, id) => {
  expect(readableId(Buffer.from(text))?.bytes.toString()).toBe(id);
});

test('what an upstream garbles is an error that shows how it begins', () => {
  for (const text of ['Server started', '', '{"jsonrpc":"2.0","id":1,"result":{}', '{"jsonrpc":"2.0","id":1,"result":{}} x', '{"a" 1}']) {
    expect(
      codeOf(() => decodeFrame(Buffer.from(text))),
      text,
    ).toBe('UPSTREAM_PROTOCOL');
  }
  expect(() => decodeFrame(Buffer.from('Listening…\n'))).toThrow(/it begins with "Listening/);
});
