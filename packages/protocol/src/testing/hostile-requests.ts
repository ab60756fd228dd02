/** A request as bytes (latin-1), with what is odd about it as its name. */
export type NamedRequest = readonly [name: string, bytes: string];

/** Stands in the body of each request, and may be replaced by another text of its length to tell them apart. */
export const MARK = 'mark-0000';

const HOST = 'Host: localhost\r\n';
const USUAL = `${HOST}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n`;

/** A call of `echo` by a modern client, well formed. */
export function wellFormed(id: number, more = ''): string {
  const body = bodyOf(id);
  return `${LINE}${MODERN}${more}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const LINE = 'POST /mcp HTTP/1.1\r\n';
const MODERN = `${USUAL}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n`;

function bodyOf(id: number): string {
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { text: MARK }, _meta } });
}

const BODY = bodyOf(66);
const SIZE = BODY.length.toString(16);
const LENGTH = `Content-Length: ${BODY.length}\r\n`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const CHUNKS = `${SIZE}\r\n${BODY}\r\n0\r\n\r\n`;

const line = (text: string): string => `${text}${MODERN}${LENGTH}\r\n${BODY}`;
const fields = (text: string): string => `${LINE}${MODERN}${text}\r\n${BODY}`;
const field = (text: string): string => fields(`${text}${LENGTH}`);
const length = (value: string): string => fields(`Content-Length: ${value}\r\n`);
const coding = (text: string): string => `${LINE}${MODERN}${text}\r\n${CHUNKS}`;
const chunks = (text: string): string => `${LINE}${MODERN}${CHUNKED}\r\n${text}`;

/** What Node refuses. */
export const REFUSED: readonly NamedRequest[] = [
  ['HTTP/1.2', line('POST /mcp HTTP/1.2\r\n')],
  ['HTTP/1.10', line('POST /mcp HTTP/1.10\r\n')],
  ['HTTP/11', line('POST /mcp HTTP/11\r\n')],
  ['HTTP/1,1', line('POST /mcp HTTP/1,1\r\n')],
  ['a version in small letters', line('POST /mcp http/1.1\r\n')],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a space behind the version', line('POST /mcp HTTP/1.1 \r\n')],
  ['something behind the version', line('POST /mcp HTTP/1.1 x\r\n')],
  ['a tab in front of the target', line('POST\t/mcp HTTP/1.1\r\n')],
  ['a tab behind the target', line('POST /mcp\tHTTP/1.1\r\n')],
  ['a space in front of the method', line(' POST /mcp HTTP/1.1\r\n')],
  ['a method in small letters', line('post /mcp HTTP/1.1\r\n')],
  ['a method with a space', line('PO ST /mcp HTTP/1.1\r\n')],
  ['a method nobody knows', line('POSTX /mcp HTTP/1.1\r\n')],
  ['a method that is no token', line('P(ST /mcp HTTP/1.1\r\n')],
  ['a method with a NUL', line('POST\0 /mcp HTTP/1.1\r\n')],
  ['no method', line('/mcp HTTP/1.1\r\n')],
  ['a target with a NUL', line('POST /mcp\0 HTTP/1.1\r\n')],
  ['a target with a control character', line('POST /m\x01cp HTTP/1.1\r\n')],
  ['a target with a space', line('POST /mcp x HTTP/1.1\r\n')],
  ['a target that is none', line('POST mcp HTTP/1.1\r\n')],
  ['a request line that ends with a line feed', line('POST /mcp HTTP/1.1\n')],
  ['a request line that ends with a carriage return', line('POST /mcp HTTP/1.1\r')],
  ['line feeds only', `${LINE}${MODERN}${LENGTH}\r\n${BODY}`.replaceAll('\r\n', '\n')],
  ['a field that ends with a line feed', field('X: y\n')],
  ['a field that ends with a carriage return', field('X: y\rZ: z\r\n')],
  ['a field that ends with two carriage returns', field('X: y\r\r\n')],
  ['an empty line that is a line feed', `${LINE}${MODERN}${LENGTH}\n${BODY}`],
  ['an empty line that is a carriage return', `${LINE}${MODERN}${LENGTH}\r${BODY}`],
  ['a space in front of a colon', field('X : y\r\n')],
  ['a tab in front of a colon', field('X\t: y\r\n')],
  ['a space in front of the colon of the length', fields(`Content-Length : ${BODY.length}\r\n`)],
  ['a field without a colon', field('X\r\n')],
  ['a field without a name', field(': y\r\n')],
  ['a first field that is folded', `${LINE} X: y\r\n${MODERN}${LENGTH}\r\n${BODY}`],
  ['a field that is folded', field('X: y\r\n z\r\n')],
  ['a field that is folded with a tab', field('X: y\r\n\tz\r\n')],
  ['a folded length', fields(`Content-Length: ${BODY.length}\r\n 0\r\n`)],
  ['a folded transfer coding', coding('Transfer-Encoding:\r\n chunked\r\n')],
  ['a name with a space', field('X Y: z\r\n')],
  ['a name with a bracket', field('X(Y: z\r\n')],
  ['a name with a quote', field('X"Y: z\r\n')],
  ['a name with a slash', field('X/Y: z\r\n')],
  ['a name with an at sign', field('X@Y: z\r\n')],
  ['a name with a NUL', field('X\0Y: z\r\n')],
  ['a name that is not ASCII', field('X\x80Y: z\r\n')],
  ['a value with a NUL', field('X: y\0z\r\n')],
  ['a value with a control character', field('X: y\x01z\r\n')],
  ['a value with a delete character', field('X: y\x7fz\r\n')],
  ['a length with a plus', length(`+${BODY.length}`)],
  ['a length with a minus', length('-1')],
  ['a length in hex', length(`0x${SIZE}`)],
  ['a length with an exponent', length('1e2')],
  ['a length with a fraction', length(`${BODY.length}.0`)],
  ['a length with a space inside', length(`${BODY.length} 0`)],
  ['two lengths in one field', length(`${BODY.length}, ${BODY.length}`)],
  ['a length that is a list', length(`${BODY.length},0`)],
  ['an empty length', length('')],
  ['a length with letters', length(`${BODY.length}x`)],
  ['a length of 21 digits', length('9'.repeat(21))],
  ['two equal lengths', fields(LENGTH + LENGTH)],
  ['two lengths', fields(`${LENGTH}Content-Length: 0\r\n`)],
  ['two lengths, the other way round', fields(`Content-Length: 0\r\n${LENGTH}`)],
  ['two lengths in different spelling', fields(`${LENGTH}content-length: 0\r\n`)],
  ['a length and chunks', coding(LENGTH + CHUNKED)],
  ['chunks and a length', coding(CHUNKED + LENGTH)],
  ['a length of nothing and chunks', coding(`Content-Length: 0\r\n${CHUNKED}`)],
  ['a length and identity', fields(`${LENGTH}Transfer-Encoding: identity\r\n`)],
  ['a coding nobody knows', coding('Transfer-Encoding: xchunked\r\n')],
  ['a coding behind chunked', coding('Transfer-Encoding: chunked, identity\r\n')],
  ['a coding behind chunked, in a field of its own', coding(`${CHUNKED}Transfer-Encoding: identity\r\n`)],
  ['a coding in quotes', coding('Transfer-Encoding: "chunked"\r\n')],
  ['a coding with a vertical tab', coding('Transfer-Encoding: \x0bchunked\r\n')],
  ['a coding with a NUL', coding('Transfer-Encoding: chunked\0\r\n')],
  ['a space in front of the colon of the coding', coding('Transfer-Encoding : chunked\r\n')],
  ['a chunk size in 0x form', chunks(`0x${CHUNKS}`)],
  ['a chunk size with a plus', chunks(`+${CHUNKS}`)],
  ['a chunk size with a minus', chunks(`-${CHUNKS}`)],
  ['a chunk size behind a space', chunks(` ${CHUNKS}`)],
  ['a chunk size that is none', chunks(`g${CHUNKS}`)],
  ['an empty chunk size', chunks(`\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk size of 17 digits', chunks(`${'f'.repeat(17)}\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk size that ends with a line feed', chunks(`${SIZE}\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk extension with a line feed', chunks(`${SIZE};a\nb\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk extension with a NUL', chunks(`${SIZE};a=\0\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk extension of 20,000 bytes', chunks(`${SIZE};${'a'.repeat(20_000)}\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk that is longer than it says', chunks(`1\r\n${BODY}\r\n0\r\n\r\n`)],
  ['a chunk without its line end', chunks(`${SIZE}\r\n${BODY}0\r\n\r\n`)],
  ['a last chunk that ends with a line feed', chunks(`${SIZE}\r\n${BODY}\r\n0\n\n`)],
  ['a trailer that is none', chunks(`${SIZE}\r\n${BODY}\r\n0\r\nX\r\n\r\n`)],
  ['a head of 20,000 bytes', field(`X: ${'y'.repeat(20_000)}\r\n`)],
  ['the hello of TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['no HTTP at all', 'EHLO localhost\r\n\r\n'],
];

/** What Node takes and we do not. */
export const REFUSED_BY_US: readonly NamedRequest[] = [
  ['a foreign host', fields(LENGTH).replace('localhost', 'evil.example')],
  ['a target without a version', line('POST /mcp\r\n')],
  ['HTTP/0.9', 'GET /mcp\r\n\r\n'],
  ['HTTP/2.0', line('POST /mcp HTTP/2.0\r\n')],
  ['no host', `${LINE}${MODERN.replace(HOST, '')}${LENGTH}\r\n${BODY}`],
  ['two hosts', field('Host: localhost\r\n')],
  ['an absolute target', line('POST http://localhost/mcp HTTP/1.1\r\n')],
];

/** What Node takes, rightly or not, and other parsers read in other ways. */
export const ODD: readonly NamedRequest[] = [
  ['two spaces in front of the target', line('POST  /mcp HTTP/1.1\r\n')],
  ['another protocol', line('POST /mcp RTSP/1.0\r\n')],
  ['an expectation nobody can meet', field('Expect: miracles\r\n')],
  ['empty lines in front', `\r\n\r\n${wellFormed(66)}`],
  ['a spelling of its own', field('x-OdD: 1\r\n').replace('Content-Length', 'cOnTeNt-LeNgTh')],
  ['no space behind a colon', field('X:y\r\n')],
  ['a tab behind a colon', field('X:\ty\r\n')],
  ['spaces around a value', field('X:   y  \r\n')],
  ['an empty value', field('X:\r\n')],
  ['a value that is not ASCII', field('X: \xe4\r\n')],
  ['a length with zeros in front', length(`000${BODY.length}`)],
  ['a length with spaces around', length(`  ${BODY.length}  `)],
  ['chunks', coding(CHUNKED)],
  ['chunks, spelled in capitals', coding('TRANSFER-ENCODING: CHUNKED\r\n')],
  ['chunks with an extension', chunks(`${SIZE};a=b\r\n${BODY}\r\n0\r\n\r\n`)],
  ['chunks with a trailer', chunks(`${SIZE}\r\n${BODY}\r\n0\r\nX: y\r\n\r\n`)],
  ['the same name twice', field('X: y\r\nx: z\r\n')],
  ['names of JavaScript', field('__proto__: x\r\nconstructor: y\r\ntoString: z\r\n')],
  ['HTTP/1.0', line('POST /mcp HTTP/1.0\r\n')],
  ['an escaped target', line('POST /%6dcp HTTP/1.1\r\n')],
  ['a target with a query', line('POST /mcp?a=b HTTP/1.1\r\n')],
  ['a target with a fragment', line('POST /mcp#a HTTP/1.1\r\n')],
  ['a target in capitals', line('POST /MCP HTTP/1.1\r\n')],
  ['a target with a dot segment', line('POST /x/../mcp HTTP/1.1\r\n')],
  ['a list of wishes for the connection', field('Connection: keep-alive, X-Hop\r\n')],
  ['an expectation', field('Expect: 100-continue\r\n')],
  ['a body without a length', `${LINE}${MODERN}\r\n`],
  ['a stream with a body', `GET /mcp HTTP/1.1\r\n${USUAL}${LENGTH}\r\n${BODY}`],
  ['100 fields', field(Array.from({ length: 100 }, (_, index) => `X-${index}: y\r\n`).join(''))],
];
