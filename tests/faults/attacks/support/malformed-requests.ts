// Requests that RFC 9112 forbids or that two readers understand differently, each around a call that would be good.
// One kind of fault a line. A server that reads callers' bytes must refuse them all.

/** One malformed request: its name, and its bytes (as Latin-1 text) for the good headers and the good body. */
export interface Malformed {
  readonly name: string;
  readonly write: (headers: readonly string[], body: string) => string;
  /** Too long to be sent byte by byte. */
  readonly isLong?: boolean;
}

const POST = 'POST /mcp HTTP/1.1';
const CHUNKED = 'Transfer-Encoding: chunked';

/** A head with one line more than the good ones. */
function head(line: string, lines: readonly string[]): string {
  return [line, ...lines, '', ''].join('\r\n');
}

function chunks(body: string): string {
  return `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}

// The added lines stand in front of a body that is whole by Content-Length.
function withLines(...added: readonly string[]): Malformed['write'] {
  return (headers, body) => `${head(POST, [...headers, ...added, `Content-Length: ${body.length}`])}${body}`;
}

// The line stands for the body's length. The body is sent as it is.
function lengthAs(line: (length: number) => string): Malformed['write'] {
  return (headers, body) => `${head(POST, [...headers, line(body.length)])}${body}`;
}

// The lines stand for the body's framing. The body is sent in chunks.
function codedAs(...lines: readonly string[]): Malformed['write'] {
  return (headers, body) => `${head(POST, [...headers, ...lines])}${chunks(body)}`;
}

// Chunked in good order, with the chunks written in another way.
function chunkedAs(write: (body: string, size: string) => string): Malformed['write'] {
  return (headers, body) => `${head(POST, [...headers, CHUNKED])}${write(body, body.length.toString(16))}`;
}

function lineAs(line: string): Malformed['write'] {
  return (headers, body) => `${head(line, [...headers, `Content-Length: ${body.length}`])}${body}`;
}

// The good request with the first end of a line written in another way.
function lineEndAs(end: string): Malformed['write'] {
  return (headers, body) => `${head(POST, [...headers, `Content-Length: ${body.length}`]).replace('\r\n', end)}${body}`;
}

function hostAs(...lines: readonly string[]): Malformed['write'] {
  return (headers, body) => `${head(POST, [...headers.filter(isNotHost), ...lines, `Content-Length: ${body.length}`])}${body}`;
}

function isNotHost(line: string): boolean {
  return !line.startsWith('Host:');
}

function named(cases: Readonly<Record<string, Malformed['write']>>): Malformed[] {
  return Object.entries(cases).map(([name, write]) => ({ name, write }));
}

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-6.3 */
export const LENGTHS: readonly Malformed[] = named({
  'two lengths': (headers, body) => `${head(POST, [...headers, 'Content-Length: 0', `Content-Length: ${body.length}`])}${body}`,
  'two lengths, the right one first': (headers, body) =>
    `${head(POST, [...headers, `Content-Length: ${body.length}`, 'Content-Length: 0'])}${body}`,
  'the same length twice': (headers, body) =>
    `${head(POST, [...headers, `Content-Length: ${body.length}`, `Content-Length: ${body.length}`])}${body}`,
  'a list of lengths': lengthAs((length) => `Content-Length: ${length}, ${length}`),
  'a length with a plus': lengthAs((length) => `Content-Length: +${length}`),
  'a length with a minus': lengthAs((length) => `Content-Length: -${length}`),
  'a length in hexadecimal': lengthAs((length) => `Content-Length: 0x${length.toString(16)}`),
  'a length with a fraction': lengthAs((length) => `Content-Length: ${length}.0`),
  'a length with an exponent': lengthAs((length) => `Content-Length: ${length}e0`),
  'a length with a space in it': lengthAs((length) => `Content-Length: ${String(length).split('').join(' ')}`),
  'a length with a parameter': lengthAs((length) => `Content-Length: ${length};x`),
  'a length with letters': lengthAs((length) => `Content-Length: ${length}abc`),
  'a length in quotes': lengthAs((length) => `Content-Length: "${length}"`),
  'a length with a NUL': lengthAs((length) => `Content-Length: ${length}\0`),
  'an empty length': lengthAs(() => 'Content-Length: '),
  'a length beyond 64 bits': lengthAs((length) => `Content-Length: ${2n ** 64n + BigInt(length)}`),
  'a length of a hundred digits': lengthAs(() => `Content-Length: ${'9'.repeat(100)}`),
  'a length on a folded line': lengthAs((length) => `Content-Length:\r\n ${length}`),
  'a length with a space before its colon': lengthAs((length) => `Content-Length : ${length}`),
  'a length with a tab before its colon': lengthAs((length) => `Content-Length\t: ${length}`),
  'a vertical tab before the length': lengthAs((length) => `Content-Length:\x0b${length}`),
});

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-6.1 */
export const CODINGS: readonly Malformed[] = named({
  'a length and chunks': (headers, body) => `${head(POST, [...headers, `Content-Length: ${body.length}`, CHUNKED])}${chunks(body)}`,
  'chunks and a length': (headers, body) => `${head(POST, [...headers, CHUNKED, `Content-Length: ${body.length}`])}${chunks(body)}`,
  'a short length and chunks': (headers, body) => `${head(POST, [...headers, 'Content-Length: 4', CHUNKED])}${chunks(body)}`,
  'a length of nothing and chunks': (headers, body) => `${head(POST, [...headers, 'Content-Length: 0', CHUNKED])}${chunks(body)}`,
  'the coding "identity"': codedAs('Transfer-Encoding: identity'),
  'chunked, then identity': codedAs('Transfer-Encoding: chunked, identity'),
  'identity, then chunked': codedAs('Transfer-Encoding: identity, chunked'),
  'chunked, then gzip': codedAs('Transfer-Encoding: chunked, gzip'),
  'gzip, then chunked': codedAs('Transfer-Encoding: gzip, chunked'),
  'chunked twice in one header': codedAs('Transfer-Encoding: chunked, chunked'),
  'chunked in two headers': codedAs(CHUNKED, CHUNKED),
  'gzip in one header and chunked in the next': codedAs('Transfer-Encoding: gzip', CHUNKED),
  'chunked in one header and identity in the next': codedAs(CHUNKED, 'Transfer-Encoding: identity'),
  'chunked with a parameter': codedAs('Transfer-Encoding: chunked;q=1'),
  'chunked in quotes': codedAs('Transfer-Encoding: "chunked"'),
  'a letter before chunked': codedAs('Transfer-Encoding: xchunked'),
  'a letter behind chunked': codedAs('Transfer-Encoding: chunkedx'),
  'a vertical tab before chunked': codedAs('Transfer-Encoding: \x0bchunked'),
  'a NUL behind chunked': codedAs('Transfer-Encoding: chunked\0'),
  'a line break in chunked': codedAs('Transfer-Encoding: chu\rnked'),
  'an empty coding': codedAs('Transfer-Encoding: '),
  'a comma alone': codedAs('Transfer-Encoding: ,'),
  'a comma behind chunked': codedAs('Transfer-Encoding: chunked,'),
  'a comma before chunked': codedAs('Transfer-Encoding: , chunked'),
  'an unknown coding': codedAs('Transfer-Encoding: cow'),
  'a space before the colon of the coding': codedAs('Transfer-Encoding : chunked'),
  'a tab before the colon of the coding': codedAs('Transfer-Encoding\t: chunked'),
  'a NUL in the name of the coding': codedAs('Transfer-Encoding\0: chunked'),
  'the coding on a folded line': codedAs('Transfer-Encoding:\r\n chunked'),
  'a coding split by a folded line': codedAs('Transfer-Encoding: chunked\r\n , identity'),
  'chunks in HTTP/1.0': (headers, body) => `${head('POST /mcp HTTP/1.0', [...headers, CHUNKED])}${chunks(body)}`,
});

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-2.2 */
export const LINES: readonly Malformed[] = named({
  'a bare LF behind the request line': lineEndAs('\n'),
  'a bare CR behind the request line': lineEndAs('\r'),
  'LF and CR in the wrong order': lineEndAs('\n\r'),
  'two CR before the LF': lineEndAs('\r\r\n'),
  'bare LFs everywhere': (headers, body) => `${head(POST, [...headers, `Content-Length: ${body.length}`]).replaceAll('\r\n', '\n')}${body}`,
  'a bare LF behind a header': withLines('X-A: a\nX-B: b'),
  'a bare CR in a header': withLines('X-A: a\rX-B: b'),
  'a bare CR at the end of a header': withLines('X-A: a\r'),
  'a head that ends with a bare LF': (headers, body) =>
    `${head(POST, [...headers, `Content-Length: ${body.length}`]).replace(/\r\n$/, '\n')}${body}`,
  'a head that ends with a bare CR': (headers, body) =>
    `${head(POST, [...headers, `Content-Length: ${body.length}`]).replace(/\r\n$/, '\r')}${body}`,
  'a folded line': withLines('X-A: a\r\n b'),
  'a line folded with a tab': withLines('X-A: a\r\n\tb'),
  'a folded line that looks like a length': withLines('X-A: a\r\n Content-Length: 0'),
  'a fold before the first header': (headers, body) =>
    `${head(`${POST}\r\n X-A: a`, [...headers, `Content-Length: ${body.length}`])}${body}`,
  'a NUL in a value': withLines('X-A: a\0b'),
  'a control character in a value': withLines('X-A: a\x01b'),
  'a DEL in a value': withLines('X-A: a\x7fb'),
  'a NUL in a name': withLines('X-\0A: a'),
  'a name of nothing': withLines(': a'),
  'a space in a name': withLines('X A: a'),
  'a space behind a name': withLines('X-A : a'),
  'a bracket in a name': withLines('X(A): a'),
  'a quote in a name': withLines('X"A: a'),
  'a slash in a name': withLines('X/A: a'),
  'a letter beyond ASCII in a name': withLines('X-\xe4: a'),
  'a line without a colon': withLines('X-A'),
  'a colon alone': withLines(':'),
});

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-3 */
export const REQUEST_LINES: readonly Malformed[] = named({
  'tabs between the parts': lineAs('POST\t/mcp\tHTTP/1.1'),
  'a space before the method': lineAs(' POST /mcp HTTP/1.1'),
  'a space behind the version': lineAs('POST /mcp HTTP/1.1 '),
  'no target': lineAs('POST HTTP/1.1'),
  'an empty target': lineAs('POST  HTTP/1.1'),
  'no version': lineAs('POST /mcp'),
  'a space in the target': lineAs('POST /mcp /x HTTP/1.1'),
  'a NUL in the target': lineAs('POST /mcp\0 HTTP/1.1'),
  'a control character in the target': lineAs('POST /mcp\x01 HTTP/1.1'),
  'a DEL in the target': lineAs('POST /mcp\x7f HTTP/1.1'),
  'letters beyond ASCII in the target': lineAs('POST /mcp?\xc3\xa4 HTTP/1.1'),
  'a fragment in the target': lineAs('POST /mcp#a HTTP/1.1'),
  'a backslash in front of the target': lineAs('POST \\mcp HTTP/1.1'),
  'a target without its slash': lineAs('POST mcp HTTP/1.1'),
  'a star for a target': lineAs('POST * HTTP/1.1'),
  'a method in small letters': lineAs('post /mcp HTTP/1.1'),
  'a method in small and large letters': lineAs('Post /mcp HTTP/1.1'),
  'an unknown method': lineAs('POXT /mcp HTTP/1.1'),
  'a method that only begins well': lineAs('POSTS /mcp HTTP/1.1'),
  'a method that ends too early': lineAs('POS /mcp HTTP/1.1'),
  'a bracket in the method': lineAs('PO(ST /mcp HTTP/1.1'),
  'a NUL in the method': lineAs('PO\0ST /mcp HTTP/1.1'),
  'a method of a thousand letters': lineAs(`${'P'.repeat(1000)} /mcp HTTP/1.1`),
  'another protocol': lineAs('POST /mcp HTTX/1.1'),
  'the protocol in small letters': lineAs('POST /mcp http/1.1'),
  'version 0.9': lineAs('POST /mcp HTTP/0.9'),
  'version 1.2': lineAs('POST /mcp HTTP/1.2'),
  'version 2.0': lineAs('POST /mcp HTTP/2.0'),
  'version 9.9': lineAs('POST /mcp HTTP/9.9'),
  'version 1.10': lineAs('POST /mcp HTTP/1.10'),
  'version 01.1': lineAs('POST /mcp HTTP/01.1'),
  'a version without its point': lineAs('POST /mcp HTTP/1'),
  'a version with a comma': lineAs('POST /mcp HTTP/1,1'),
  'an answer in place of a request': lineAs('HTTP/1.1 200 OK'),
  'the opening of HTTP/2': (headers, body) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${head(POST, headers)}${body}`,
  'a request of version 0.9': () => 'GET /mcp\r\n',
  'the opening of TLS': () => '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03',
});

/** What the standard lets a server read as if it were well formed; it is cut in one way only. */
export const TOLERABLE: readonly Malformed[] = named({
  'two spaces behind the method': lineAs('POST  /mcp HTTP/1.1'),
  'two spaces before the version': lineAs('POST /mcp  HTTP/1.1'),
});

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-7.1 */
export const CHUNKS: readonly Malformed[] = [
  ...named({
    'a size that is none': chunkedAs((body) => `xyz\r\n${body}\r\n0\r\n\r\n`),
    'an empty size': chunkedAs((body) => `\r\n${body}\r\n0\r\n\r\n`),
    'a size with a plus': chunkedAs((body, size) => `+${size}\r\n${body}\r\n0\r\n\r\n`),
    'a size with a minus': chunkedAs((body, size) => `-${size}\r\n${body}\r\n0\r\n\r\n`),
    'a size with 0x': chunkedAs((body, size) => `0x${size}\r\n${body}\r\n0\r\n\r\n`),
    'a space before the size': chunkedAs((body, size) => ` ${size}\r\n${body}\r\n0\r\n\r\n`),
    'a size with a letter behind it': chunkedAs((body, size) => `${size}g\r\n${body}\r\n0\r\n\r\n`),
    'a size of 17 digits': chunkedAs((body, size) => `1${size.padStart(16, '0')}\r\n${body}\r\n0\r\n\r\n`),
    'a size that ends with a bare LF': chunkedAs((body, size) => `${size}\n${body}\r\n0\r\n\r\n`),
    'a size that ends with a bare CR': chunkedAs((body, size) => `${size}\r${body}\r\n0\r\n\r\n`),
    'a size with a NUL': chunkedAs((body, size) => `${size}\0\r\n${body}\r\n0\r\n\r\n`),
    'an extension with a bare LF': chunkedAs((body, size) => `${size};a\nb\r\n${body}\r\n0\r\n\r\n`),
    'an extension with a bare CR': chunkedAs((body, size) => `${size};a\rb\r\n${body}\r\n0\r\n\r\n`),
    'an extension with a NUL': chunkedAs((body, size) => `${size};a\0b\r\n${body}\r\n0\r\n\r\n`),
    'a chunk that ends with a bare LF': chunkedAs((body, size) => `${size}\r\n${body}\n0\r\n\r\n`),
    'a chunk that ends with a bare CR': chunkedAs((body, size) => `${size}\r\n${body}\r0\r\n\r\n`),
    'a chunk without its end': chunkedAs((body, size) => `${size}\r\n${body}0\r\n\r\n`),
    'a chunk longer than its size': chunkedAs((body) => `${(body.length - 1).toString(16)}\r\n${body}\r\n0\r\n\r\n`),
    'a chunk shorter than its size': chunkedAs((body) => `${(body.length + 1).toString(16)}\r\n${body}\r\n0\r\n\r\n`),
    'chunks without the last one': chunkedAs((body, size) => `${size}\r\n${body}\r\n`),
    'a last chunk without its end': chunkedAs((body, size) => `${size}\r\n${body}\r\n0\r\n`),
    'a last chunk that ends with a bare LF': chunkedAs((body, size) => `${size}\r\n${body}\r\n0\n\n`),
    'a trailer without a colon': chunkedAs((body, size) => `${size}\r\n${body}\r\n0\r\nX-A\r\n\r\n`),
    'a trailer with a space before its colon': chunkedAs((body, size) => `${size}\r\n${body}\r\n0\r\nX-A : a\r\n\r\n`),
    'a trailer with a NUL': chunkedAs((body, size) => `${size}\r\n${body}\r\n0\r\nX-A: \0\r\n\r\n`),
    'a trailer that ends with a bare LF': chunkedAs((body, size) => `${size}\r\n${body}\r\n0\r\nX-A: a\n\r\n`),
  }),
  {
    name: 'an extension of 1 MB',
    write: chunkedAs((body, size) => `${size};${'a'.repeat(1024 * 1024)}\r\n${body}\r\n0\r\n\r\n`),
    isLong: true,
  },
  {
    name: 'trailers of 1 MB',
    write: chunkedAs((body, size) => `${size}\r\n${body}\r\n0\r\n${'X-A: aaaaaaaaaaaaaaaa\r\n'.repeat(48_000)}\r\n`),
    isLong: true,
  },
];

/** @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2 */
export const HOSTS: readonly Malformed[] = named({
  'no host': hostAs(),
  'an empty host': hostAs('Host: '),
  'a host with a comma': hostAs('Host: 127.0.0.1, 127.0.0.1'),
  'a host with a space before its colon': hostAs('Host : 127.0.0.1'),
  'an expectation nobody knows': withLines('Expect: 200-maybe'),
});

export const MALFORMED: readonly Malformed[] = [...LENGTHS, ...CODINGS, ...LINES, ...REQUEST_LINES, ...CHUNKS, ...HOSTS];
