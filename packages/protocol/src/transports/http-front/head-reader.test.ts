import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeadReader } from './head-reader.ts';

const FIELDS = 'Host: localhost:7420\r\nAccept: application/json, text/event-stream\r\nMcp-Session-Id: abc\r\n';
const head = (length: number | string, fields = FIELDS) => `POST /mcp HTTP/1.1\r\n${fields}Content-Length: ${length}\r\nX-Last: y\r\n\r\n`;

function read(reader: HeadReader, text: string, { before = '', behind = '' } = {}) {
  const bytes = Buffer.from(before + text + behind, 'latin1');
  if (!reader.read(bytes, before.length, before.length + text.length)) return undefined;
  const { method, url, headers, bodyLength, isLast, length } = reader;
  return { method, url, headers: { ...headers }, bodyLength, isLast, length };
}

const fresh = (text: string) => read(new HeadReader(), text);

test('a usual head is read, and its names are in small letters', () => {
  expect(fresh(head(17))).toEqual({
    method: 'POST',
    url: '/mcp',
    headers: {
      host: 'localhost:7420',
      accept: 'application/json, text/event-stream',
      'mcp-session-id': 'abc',
      'x-last': 'y',
    },
    bodyLength: 17,
    isLast: false,
    length: head(17).length,
  });
  expect(fresh('GET /mcp HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n')).toMatchObject({ method: 'GET', bodyLength: undefined });
  expect(fresh('DELETE /mcp HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatchObject({ method: 'DELETE', isLast: true });
});

test('a head whose end has not come yet is none, whatever stands behind it in memory', () => {
  const text = head(17);
  for (const reader of [new HeadReader(), remembering(text)]) {
    for (let end = 0; end < text.length; end++) {
      expect(read(reader, text.slice(0, end), { behind: text.slice(end) })).toBeUndefined();
    }
    expect(read(reader, text, { before: 'junk', behind: '{"a":1}' })).toEqual(fresh(text));
  }
});

test('a head that differs in the length of its body alone is known again', () => {
  const reader = remembering(head(17));
  for (const length of [1, 9, 10, 4_194_304, 999_999_999]) expect(read(reader, head(length))).toEqual(fresh(head(length)));
  const { headers } = reader;
  read(reader, head(5));
  expect(reader.headers).toBe(headers);
});

test('a head is the same whether another was read before it or not', () => {
  const text = head(123);
  const change = fc.record({ at: fc.nat(text.length - 1), byte: fc.nat(255), kind: fc.constantFrom('replace', 'insert', 'remove') });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
      let changed = text;
      for (const { at, byte, kind } of changes) {
        const put = kind === 'remove' ? '' : String.fromCharCode(byte);
        changed = changed.slice(0, at) + put + changed.slice(kind === 'insert' ? at : at + 1);
      }
      expect(read(remembering(text), changed)).toEqual(fresh(changed));
    }),
    { numRuns: 2_000 },
  );
});

test('names of JavaScript are names like others', () => {
  const known = fresh(head(1, 'Host: a\r\n__proto__: b\r\nconstructor: c\r\n'))!;
  expect(Object.keys(known.headers)).toEqual(['host', '__proto__', 'constructor', 'x-last']);
  expect(fresh(head(1, 'constructor: a\r\nConstructor: b\r\n'))).toBeUndefined();
});

test('a head beyond its bounds is left to others', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: y\r\n`).join('');
  expect(fresh(head(1, many(62)))).toBeDefined();
  expect(fresh(head(1, many(63)))).toBeUndefined();
  expect(fresh(head(1, `X: ${'y'.repeat(8_000)}\r\n`))).toBeDefined();
  expect(fresh(head(1, `X: ${'y'.repeat(8_192)}\r\n`))).toBeUndefined();
  expect(fresh(head('1000000000'))).toBeUndefined();
});

function remembering(text: string): HeadReader {
  const reader = new HeadReader();
  read(reader, text);
  return reader;
}
