import type { ResultChange } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../testing/splits.ts';
import { AnswerReader, addedBytes, peekAnswer } from './answer-reader.ts';
import { decodeFrame, type ResponseMessage } from './message.ts';

const NO_CHANGE: ResultChange = { added: '', dropped: new Set(), objects: new Set() };
const SPACES = ['', '', ' ', '\n\t', '\r\n  '];

/** An object's text from its members, in their order, with white space where it may be. */
const objectOf = (members: fc.Arbitrary<readonly (readonly [string, string])[]>) =>
  fc.tuple(members, fc.infiniteStream(fc.constantFrom(...SPACES))).map(([pairs, spaces]) => {
    const space = () => String(spaces.next().value);
    const texts = pairs.map(([name, value]) => `${space()}${name}${space()}:${space()}${value}${space()}`);
    return `{${texts.join(',')}${pairs.length === 0 ? space() : ''}}`;
  });

const json = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
  fc.array(fc.constantFrom('"', '\\', '{', '}', 'x', '漢', '\n')).map((chars) => JSON.stringify(chars.join('').repeat(20))),
);
const results = objectOf(
  fc
    .uniqueArray(fc.constantFrom('content', 'isError', 'resultType', 'ttlMs', 'cacheScope', '_meta', 'is\\u0045rror', 'größe', ''), {
      maxLength: 7,
    })
    .chain((names) =>
      fc.tuple(
        ...names.map((name) =>
          (name === 'isError'
            ? fc.constantFrom('true', 'false')
            : name === 'resultType'
              ? fc.constantFrom('"complete"', '"t\\u0061sk"', '5')
              : json
          ).map((value) => [`"${name}"`, value] as const),
        ),
      ),
    ),
);
const messages = results.chain((result) =>
  fc
    .tuple(fc.shuffledSubarray(['"jsonrpc"', '"id"', '"result"', '"vendor"'], { minLength: 4 }), json)
    .chain(([names, vendor]) => {
      const values: Record<string, string> = { '"jsonrpc"': '"2.0"', '"id"': '7', '"result"': result, '"vendor"': vendor };
      return objectOf(fc.constant(names.map((name) => [name, values[name]!] as const)));
    })
    .map((text) => ({ text: Buffer.from(`${text}\n`), result })),
);
const split = splits(messages.map(({ text }) => text));

function read(chunks: readonly Buffer[], change: ResultChange) {
  const parts: Buffer[] = [];
  const reader = new AnswerReader(change, (bytes, start, end) => parts.push(Buffer.from(bytes.subarray(start, end))));
  for (const chunk of chunks) {
    const lent = Buffer.concat([Buffer.from('{"a'), chunk, Buffer.from('"}')]);
    reader.push(lent, 3, 3 + chunk.length);
    lent.fill(0);
  }
  return { end: reader.finish(), text: Buffer.concat(parts).toString() };
}

test('a result that is read from pieces is the one that is read whole', () => {
  fc.assert(
    fc.property(split, ({ whole, chunks }) => {
      const { outcome } = decodeFrame(whole) as ResponseMessage;
      if (outcome.kind !== 'result') throw new Error('The test made no result');
      const { end, text } = read(chunks, NO_CHANGE);
      expect(text).toBe(outcome.result.bytes.toString());
      expect(end).toEqual({ id: '7', resultType: outcome.resultType, isError: outcome.isError });
    }),
    { numRuns: 500 },
  );
});

test('members are left out and put in front wherever they stand, and all others stay in their order', () => {
  const change: ResultChange = {
    added: '"resultType":"complete","n":9007199254740993',
    dropped: new Set(['resultType', 'ttlMs', 'isError']),
    objects: new Set(),
  };
  fc.assert(
    fc.property(split, fc.boolean(), ({ whole, chunks }, isAdding) => {
      const { outcome } = decodeFrame(whole) as ResponseMessage;
      if (outcome.kind !== 'result') throw new Error('The test made no result');
      const { text } = read(chunks, isAdding ? change : { ...change, added: '' });
      const own = Object.entries(outcome.result.object!).filter(([name]) => !change.dropped.has(name));
      const added = isAdding
        ? [
            ['resultType', 'complete'],
            ['n', 9007199254740992],
          ]
        : [];
      expect(Object.entries(JSON.parse(text) as object)).toEqual([...added, ...own]);
      expect(text.startsWith(`{${change.added}`)).toBe(isAdding);
    }),
    { numRuns: 500 },
  );
});

test('what has to be an object becomes one, however it is cut', () => {
  const change: ResultChange = { ...NO_CHANGE, objects: new Set(['content', 'größe']) };
  fc.assert(
    fc.property(split, ({ whole, chunks }) => {
      const { outcome } = decodeFrame(whole) as ResponseMessage;
      if (outcome.kind !== 'result') throw new Error('The test made no result');
      const { text } = read(chunks, change);
      const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
      const wanted = Object.entries(outcome.result.object!).map(([name, value]) => [
        name,
        change.objects.has(name) && !isObject(value) ? { value } : value,
      ]);
      expect(Object.entries(JSON.parse(text) as object)).toEqual(wanted);
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(outcome.result.bytes.length + addedBytes(change));
    }),
  );
});

test('what is no answer, or no longer one, is refused', () => {
  const broken = [
    '{"jsonrpc":"2.0","id":7,"result":{}',
    '{"jsonrpc":"2.0","id":7}',
    '{"id":7,"result":{}}',
    '{"jsonrpc":"1.0","id":7,"result":{}}',
    '{"jsonrpc":"2.0","id":7,"result":{}}x',
    '{"jsonrpc":"2.0","id":7,"result":{}}{}',
    '{"jsonrpc":"2.0","id":7,"result":{},"result":{}}',
    '{"jsonrpc":"2.0","id":7,"result":{},"error":{}}',
    '{"jsonrpc":"2.0","id":7,"result":{},"method":"x"}',
    '{"jsonrpc":"2.0","id":7,"result":[]}',
    '{"jsonrpc":"2.0","id":7,"result":{"a":}}',
    '{"jsonrpc":"2.0","id":7,"result":{"a" "b"}}',
    '{"jsonrpc":"2.0","id":7,"result":{"a":1,}}',
    '{"jsonrpc":"2.0","id":7,"result":{a:1}}',
    '["jsonrpc"]',
    '',
  ];
  for (const text of broken) {
    for (const size of [1, 3, 1000]) {
      const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
        Buffer.from(text.slice(index * size, (index + 1) * size)),
      );
      expect(() => read(chunks, NO_CHANGE), text).toThrow(SyntaxError);
    }
  }
  const twice = Buffer.from('{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2}}');
  expect(() => read([twice], { ...NO_CHANGE, objects: new Set(['a']) })).toThrow('A second "a"');
  expect(() => read([Buffer.from(`{"jsonrpc":"2.0","${'x'.repeat(70_000)}`)], NO_CHANGE)).toThrow('A name of more than 65536 bytes');
});

test('the beginning of an answer shows where its result begins and what it is', () => {
  const peek = (text: string) => peekAnswer(Buffer.from(`xx${text}`), 2, 2 + Buffer.byteLength(text));
  expect(peek('{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":')).toEqual({
    resultAt: 33,
    id: '7',
    resultType: undefined,
    member: 'content',
  });
  expect(peek('{ "result" : { "_meta":{"a":[1]}, "isError":true,\n"contents":')).toEqual({
    resultAt: 13,
    id: undefined,
    resultType: undefined,
    member: 'contents',
  });
  expect(peek('{"result":{"resultType":"input_required","inputRequests":{}')).toEqual({
    resultAt: 10,
    id: undefined,
    resultType: 'input_required',
    member: undefined,
  });
  for (const text of [
    '',
    '{',
    '{"jsonrpc":"2.0","id":7,"resu',
    '{"result":',
    '{"result":{"cont',
    '{"result":{"_meta":{"a":"',
    '{"result":{"resultType":"complete"',
    '{"vendor":[1,2',
  ])
    expect(peek(text), text).toBeUndefined();
  for (const text of [
    '[',
    '{"error":{"code":1',
    '{"method":"x"',
    '{"result":"text',
    '{"result":{}}',
    '{"id":7,"id"',
    '{"id":7 x',
    '{"jsonrpc":"2.0","id":7}',
  ])
    expect(peek(text), text).toBe(text === '{"id":7,"id"' ? undefined : 'other');
});
