import { expect, test } from 'vitest';
import { RawJson } from '@signalbox/core';
import {
  encodeError,
  encodeNotification,
  encodeOutcome,
  encodeRequest,
  encodeResult,
  joinParams,
  splitParams,
  toOneLine,
  toParams,
  withParams,
} from './encode.ts';

const raw = (text: string) => RawJson.fromBytes(Buffer.from(text));

test('messages carry ids, params and results in the bytes they were given', () => {
  const params = new Map([
    ['a"b', raw('9007199254740993')],
    ['c', raw('{ "d":1 }')],
  ]);
  expect(encodeRequest('"x"', 'm', params).toString()).toBe(
    '{"jsonrpc":"2.0","id":"x","method":"m","params":{"a\\"b":9007199254740993,"c":{ "d":1 }}}',
  );
  expect(encodeRequest('1', 'm', new Map()).toString()).toBe('{"jsonrpc":"2.0","id":1,"method":"m","params":{}}');
  expect(encodeRequest('1', 'm', undefined).toString()).toBe('{"jsonrpc":"2.0","id":1,"method":"m"}');
  expect(encodeNotification('n').toString()).toBe('{"jsonrpc":"2.0","method":"n"}');
  expect(encodeNotification('n', raw('{"a":1}')).toString()).toBe('{"jsonrpc":"2.0","method":"n","params":{"a":1}}');
  expect(encodeResult(raw('7'), raw('{"n":1.0}')).toString()).toBe('{"jsonrpc":"2.0","id":7,"result":{"n":1.0}}');
  expect(encodeError(undefined, { code: -1, message: 'no' }).toString()).toBe(
    '{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no"}}',
  );
  expect(encodeOutcome(raw('7'), { kind: 'error', error: { code: -1, message: 'no' } }).toString()).toBe(
    '{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"no"}}',
  );
});

test('params are copied with changes, in their order', () => {
  const params = toParams({ a: 1, b: undefined, c: [2] });
  const changed = withParams(params, { a: undefined, c: raw('3'), d: raw('4') });
  expect([...changed].map(([name, value]) => [name, value.value])).toEqual([
    ['c', 3],
    ['d', 4],
  ]);
  expect([...params.keys()]).toEqual(['a', 'c']);
});

test('an object taken apart and joined again has the same members in the same bytes', () => {
  for (const text of ['{"a\\"b":9007199254740993,"c":{ "d":1.0 }}', '{}'])
    expect(joinParams(splitParams(raw(text))).bytes.toString()).toBe(text);
  expect(splitParams(undefined).size).toBe(0);
});

test('text without line ends is not copied', () => {
  const text = Buffer.from('{"a":1}');
  expect(toOneLine(text)).toBe(text);
});
