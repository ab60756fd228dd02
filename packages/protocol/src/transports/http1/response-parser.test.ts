import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../../testing/splits.ts';
import type { ResponseHead } from './response-head.ts';
import { ResponseParser } from './response-parser.ts';

interface Parsed {
  readonly head: ResponseHead | undefined;
  readonly body: string;
  /** How many bytes the answer had, or -1 when it was not whole. */
  readonly length: number;
}

function parse(chunks: readonly Buffer[]): Parsed {
  const lent = Buffer.alloc(65_536);
  let head: ResponseHead | undefined;
  let body = '';
  const parser = new ResponseParser({
    onHead: (found) => {
      head = found;
      return true;
    },
    onData: (bytes, start, end) => {
      body += bytes.toString('latin1', start, end);
      return true;
    },
  });
  let before = 0;
  for (const chunk of chunks) {
    if (chunk.length === 0) continue;
    chunk.copy(lent);
    const end = parser.push(lent, chunk.length);
    if (end >= 0) return { head, body, length: before + end };
    before += chunk.length;
  }
  return { head, body, length: -1 };
}

const whole = (text: string) => parse([Buffer.from(text, 'latin1')]);
const byByte = (text: string) => parse([...Buffer.from(text, 'latin1')].map((byte) => Buffer.from([byte])));

const OK = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;
const GOOD: readonly (readonly [string, string, string])[] = [
  ['a body of known length', `${OK}Content-Length: 5\r\n\r\nhello`, 'hello'],
  ['an empty body', `${OK}Content-Length: 0\r\n\r\n`, ''],
  ['the same length given twice', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`, 'hi'],
  ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi', 'hi'],
  ['chunks', `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, 'hello world'],
  [
    'chunks with extensions and trailers',
    `${CHUNKED}005;a=b;c="d"\r\nhello\r\nA;x\r\n0123456789\r\n0;y\r\nT: 1\r\nU: 2\r\n\r\n`,
    'hello0123456789',
  ],
  ['interim answers', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\n${OK}Content-Length: 2\r\n\r\nhi`, 'hi'],
  ['204 whatever its length says', 'HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n', ''],
  ['304', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n', ''],
  ['a body that looks like a head', `${OK}Content-Length: 10\r\n\r\na\r\n\r\nb\r\n\r\n`, 'a\r\n\r\nb\r\n\r\n'],
];

test.each(GOOD)('%s is read whole, byte by byte and cut anywhere', (_name, text, body) => {
  const expected = whole(text);
  expect(expected.body).toBe(body);
  expect(expected.length).toBe(text.length);
  expect(byByte(text)).toEqual(expected);
  fc.assert(
    fc.property(splits(fc.constant(Buffer.from(text, 'latin1'))), ({ chunks }) => {
      expect(parse(chunks)).toEqual(expected);
    }),
  );
});

test('any body comes out of any chunking of it, cut anywhere', () => {
  const chunked = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 6 }).map((parts) => {
    const pieces = parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), Buffer.from(part), Buffer.from('\r\n')]);
    return Buffer.concat([Buffer.from(CHUNKED), ...pieces, Buffer.from('0\r\n\r\n')]);
  });
  fc.assert(
    fc.property(splits(chunked), ({ whole: bytes, chunks }) => {
      const expected = parse([bytes]);
      expect(expected.length).toBe(bytes.length);
      expect(parse(chunks)).toEqual(expected);
    }),
  );
});

test('what follows the end is left alone', () => {
  expect(whole(`${OK}Content-Length: 2\r\n\r\nhimore`)).toMatchObject({ body: 'hi', length: OK.length + 23 });
  const text = `${CHUNKED}1\r\nx\r\n0\r\n\r\n`;
  expect(whole(`${text}more`)).toMatchObject({ body: 'x', length: text.length });
});

test('header names are lower-cased, values trimmed and repeated ones listed', () => {
  const { head } = whole(
    `${OK}Content-LENGTH: 0\r\nX-A:\t one \t\r\nx-a: two\r\nX-A:\r\n__proto__: p\r\nconstructor: c\r\nn: \xe9\xa0\r\n\r\n`,
  );
  expect(head?.headers['x-a']).toEqual(['one', 'two', '']);
  expect(head?.headers['__proto__']).toBe('p');
  expect(head?.headers['constructor']).toBe('c');
  expect(head?.headers['n']).toBe('\xe9\xa0');
  expect(head?.headers['tostring']).toBeUndefined();
});

test('a connection may wait as long as its server says, less a little', () => {
  const idle = (fields: string, version = '1.1') => whole(`HTTP/${version} 200 OK\r\nContent-Length: 0\r\n${fields}\r\n`).head?.idleMs;
  expect(idle('')).toBe(60_000);
  expect(idle('Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n')).toBe(4_000);
  expect(idle('Keep-Alive: max=3, timeout=1\r\n')).toBe(500);
  expect(idle('Keep-Alive: timeout=0\r\n')).toBe(0);
  expect(idle('Keep-Alive: timeout=3600\r\n')).toBe(60_000);
  expect(idle('Connection: foo, Close\r\n')).toBe(0);
  expect(idle('Connection: foo\r\nConnection: close\r\n')).toBe(0);
  expect(idle('', '1.0')).toBe(0);
  expect(idle('Connection: Keep-Alive\r\n', '1.0')).toBe(60_000);
});

test.each<readonly [string, string, RegExp]>([
  ['another protocol', 'SSH-2.0-OpenSSH\r\n', /status line/],
  ['another version', 'HTTP/2.0 200 OK\r\n\r\n', /status line/],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', /status line/],
  ['a status out of range', 'HTTP/1.1 600 OK\r\n\r\n', /status line/],
  ['two blanks before the status', 'HTTP/1.1  200 OK\r\n\r\n', /status line/],
  ['bare line feeds', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', /status line|carriage return/],
  ['one bare line feed', `${OK}A: b\nContent-Length: 0\r\n\r\n`, /header line|carriage return/],
  ['a bare carriage return', `${OK}A: b\rc\r\nContent-Length: 0\r\n\r\n`, /header line/],
  ['a folded line', `${OK}A: b\r\n c\r\nContent-Length: 0\r\n\r\n`, /header line/],
  ['a folded first line', `${OK} A: b\r\nContent-Length: 0\r\n\r\n`, /header line/],
  ['a blank before the colon', `${OK}Content-Length : 0\r\n\r\n`, /header line/],
  ['an empty name', `${OK}: 0\r\n\r\n`, /header line/],
  ['a name with a blank', `${OK}a b: 0\r\n\r\n`, /header line/],
  ['a name beyond ASCII', `${OK}\xe9: 0\r\n\r\n`, /header line/],
  ['a line without a colon', `${OK}abc\r\n\r\n`, /header line/],
  ['a zero byte', `${OK}A: b\0c\r\n\r\n`, /header line/],
  ['two different lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`, /more than one Content-Length/],
  ['a list of lengths', `${OK}Content-Length: 1, 1\r\n\r\n`, /Content-Length/],
  ['a negative length', `${OK}Content-Length: -1\r\n\r\n`, /Content-Length/],
  ['a length with a sign', `${OK}Content-Length: +1\r\n\r\n`, /Content-Length/],
  ['an empty length', `${OK}Content-Length:\r\n\r\n`, /Content-Length/],
  ['a huge length', `${OK}Content-Length: 99999999999999999999\r\n\r\n`, /Content-Length/],
  ['a length beside chunks', `${OK}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, /both Content-Length and/],
  ['an unknown coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`, /Transfer-Encoding/],
  ['chunked twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`, /Transfer-Encoding/],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', /Transfer-Encoding/],
  ['compression', `${OK}Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n`, /compressed/],
  ['another protocol to go on with', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n', /nobody asked/],
  ['endless interim answers', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20), /interim/],
  ['a size that is no number', `${CHUNKED}x\r\n`, /size of a chunk/],
  ['an empty size', `${CHUNKED}\r\n`, /size of a chunk/],
  ['a size with 0x', `${CHUNKED}0x5\r\nhello`, /size of a chunk/],
  ['a size with a blank', `${CHUNKED}5 \r\nhello`, /size of a chunk/],
  ['a negative size', `${CHUNKED}-1\r\n`, /size of a chunk/],
  ['a huge size', `${CHUNKED}${'f'.repeat(16)}\r\n`, /size of a chunk/],
  ['a size of too many digits', `${CHUNKED}${'0'.repeat(20)}5\r\n`, /size of a chunk/],
  ['a bare line feed after a size', `${CHUNKED}5\nhello`, /size of a chunk/],
  ['no line feed after a size', `${CHUNKED}5\rhello`, /end of a chunk/],
  ['a chunk longer than its size', `${CHUNKED}5\r\nhello!\r\n`, /end of a chunk/],
  ['a chunk that ends with a line feed', `${CHUNKED}5\r\nhello\n`, /end of a chunk/],
  ['a long extension', `${CHUNKED}5;${'x'.repeat(1_100)}\r\n`, /more than 1024 bytes/],
  ['a line feed in an extension', `${CHUNKED}5;a\nb\r\n`, /control character/],
  ['long trailers', `${CHUNKED}0\r\n${'a: b\r\n'.repeat(3_000)}`, /more than 8192 bytes/],
  ['a bare line feed in a trailer', `${CHUNKED}0\r\na: b\n\r\n`, /control character/],
  ['a long head', `${OK}A: ${'x'.repeat(40_000)}\r\n\r\n`, /head of more than 32768/],
  ['a head without an end', `${OK}A: ${'x'.repeat(40_000)}`, /head of more than 32768/],
  ['many headers', `${OK}${'A: b\r\n'.repeat(201)}\r\n`, /more than 200 headers/],
])('%s is refused, whole and byte by byte', (_name, text, reason) => {
  expect(() => whole(text)).toThrow(reason);
  expect(() => byByte(text)).toThrow(reason);
});

test('200 headers and a head of 32 KiB are still read', () => {
  expect(whole(`${OK}Content-Length: 0\r\n${'A: b\r\n'.repeat(199)}\r\n`).length).toBeGreaterThan(0);
  const start = `${OK}Content-Length: 0\r\nA: `;
  const text = `${start}${'x'.repeat(32_768 - start.length - 4)}\r\n\r\n`;
  expect(whole(text).length).toBe(32_768);
  expect(byByte(text).length).toBe(32_768);
});
