import { type GatewayError, RawJson } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { checkMirroredArguments, MirroredHeaders, toHeaderValue } from './mirrored-headers.ts';

function learned(...tools: object[]): MirroredHeaders {
  const headers = new MirroredHeaders();
  headers.learn({ kind: 'result', result: RawJson.fromValue({ tools }), resultType: 'complete', isError: false, revision: '2026-07-28' });
  return headers;
}

function written(headers: MirroredHeaders, method: string, params: object): string[] {
  return headers.list([], method, toParams({ ...params }));
}

test('a header value is plain where that is safe, and can always be read back', () => {
  expect(toHeaderValue('get weather')).toBe('get weather');
  for (const text of ['', ' x', 'a\nb', 'é', '=?base64?eA==?=']) expect(toHeaderValue(text)).toMatch(/^=\?base64\?.*\?=$/);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const value = toHeaderValue(text);
      const coded = /^=\?base64\?(.*)\?=$/.exec(value);
      expect(value).toMatch(/^[\t\x20-\x7e]+$/);
      expect(coded === null ? value : Buffer.from(coded[1]!, 'base64').toString()).toBe(text);
    }),
  );
});

test('the name stands for what the method is about', () => {
  const headers = new MirroredHeaders();
  expect(written(headers, 'resources/read', { uri: 'a:b' })).toEqual(['mcp-method', 'resources/read', 'mcp-name', 'a:b']);
  expect(written(headers, 'tasks/get', { taskId: 't' })).toEqual(['mcp-method', 'tasks/get', 'mcp-name', 't']);
  expect(written(headers, 'tools/list', {})).toEqual(['mcp-method', 'tools/list']);
  expect(written(headers, 'tools/call', { name: 5 })).toEqual(['mcp-method', 'tools/call']);
});

test('requests that repeat the same have the same list, until a tool wants more of it repeated', () => {
  const headers = new MirroredHeaders();
  const base = ['accept', '*/*'];
  const list = (name: string) => headers.list(base, 'tools/call', toParams({ name, arguments: { city: 'Ulm' } }));
  const first = list('weather');
  expect(first).toEqual(['accept', '*/*', 'mcp-method', 'tools/call', 'mcp-name', 'weather']);
  expect(list('weather')).toBe(first);
  expect(list('other')).not.toBe(first);
  const inputSchema = { type: 'object', properties: { city: { type: 'string', 'x-mcp-header': 'City' } } };
  const tools = [{ name: 'weather', inputSchema }];
  headers.learn({ kind: 'result', result: RawJson.fromValue({ tools }), resultType: 'complete', isError: false, revision: '2026-07-28' });
  expect(list('weather')).toEqual([...first, 'mcp-param-City', 'Ulm']);
  for (let index = 0; index < 1_000; index++) list(`tool${index}`);
  expect(list('weather')).toEqual([...first, 'mcp-param-City', 'Ulm']);
  expect(base.length).toBe(2);
});

test('marked arguments are repeated; missing ones, objects and marks out of place are not', () => {
  const mark = (type: string, header: unknown) => ({ type, 'x-mcp-header': header });
  const properties = {
    s: mark('string', 'S'),
    b: mark('boolean', 'B'),
    o: mark('object', 'O'),
    n: mark('string', 'N'),
    big: mark('integer', 'Big'),
    bad: mark('string', 'a b'),
    arr: { items: mark('string', 'I') },
  };
  const headers = learned({ name: 't', inputSchema: { type: 'object', properties } }, { name: 'plain', inputSchema: {} });
  const args = { s: 'x', b: false, o: {}, n: null, big: 2 ** 60, bad: 'y', arr: ['z'] };
  expect(written(headers, 'tools/call', { name: 't', arguments: args })).toEqual([
    'mcp-method',
    'tools/call',
    'mcp-name',
    't',
    'mcp-param-S',
    'x',
    'mcp-param-B',
    'false',
  ]);
  expect(written(headers, 'tools/call', { name: 'plain', arguments: args })).toHaveLength(4);
});

test.each([
  ['the same text', { region: 'eu' }, { region: 'eu' }, true],
  ['another text', { region: 'eu' }, { region: 'us' }, false],
  ['nothing for an argument', { region: 'eu' }, {}, false],
  ['something for no argument', {}, { region: 'eu' }, false],
  ['nothing for no argument', {}, {}, true],
  ['a number written in another way', { size: 42 }, { size: '42.0' }, true],
  ['another number', { size: 42 }, { size: '43' }, false],
  ['a number that others read as another', { size: 42 }, { size: '0x2a' }, false],
  ['a number too large to be compared', { size: 2 ** 53 }, { size: '9007199254740993' }, false],
  ['empty text for zero', { size: 0 }, { size: '' }, false],
  ['a nested argument', { deep: { flag: true } }, { flag: 'true' }, true],
])('a request whose headers say %s', (_, values, headers, isAccepted) => {
  const schema = {
    properties: {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      size: { type: 'integer', 'x-mcp-header': 'Size' },
      deep: { properties: { flag: { type: 'boolean', 'x-mcp-header': 'Flag' } } },
    },
  };
  const check = () => checkMirroredArguments(schema, values, new Map(Object.entries(headers)));
  const message = isAccepted ? 'accepted' : 'HEADER_MISMATCH';
  let found = 'accepted';
  try {
    check();
  } catch (error) {
    found = (error as GatewayError).code;
  }
  expect(found).toBe(message);
});
