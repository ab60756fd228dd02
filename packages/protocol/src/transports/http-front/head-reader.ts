import type { IncomingHttpHeaders } from 'node:http';

/** Longest head taken, in bytes, and most lines in it. What is larger may still please Node. */
const MAX_HEAD_BYTES = 8_192;
const MAX_FIELDS = 64;
const MAX_LENGTH_DIGITS = 9;
const REQUEST_LINE = /^(POST|GET|DELETE) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = /^(?:0|[1-9]\d{0,8})$/;
const NAME = /^[!#$%&'*+.^`|~\w-]+$/;
/** What must not be in a head: anything but printable ASCII in lines that end with both characters of a line end. */
const UNFIT = /[^\x20-\x7e\r\n]|\r(?!\n)|\n(?<!\r\n)/;
const SPACE = 0x20;
/** Fields that change what the connection is or where the body ends. A request that has one is Node's. */
const LEFT_TO_NODE = new Set([
  'transfer-encoding',
  'trailer',
  'te',
  'upgrade',
  'expect',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
]);

/** Names as clients spell them, which need no look at their letters. */
const USUAL_NAMES = new Map(
  [
    'Host',
    'Accept',
    'Content-Type',
    'Content-Length',
    'Connection',
    'User-Agent',
    'Accept-Encoding',
    'Accept-Language',
    'Authorization',
    'Origin',
    'Cache-Control',
    'Sec-Fetch-Mode',
    'Last-Event-ID',
    'Mcp-Session-Id',
    'MCP-Protocol-Version',
    'Mcp-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
  ].flatMap((name) => [
    [name, name.toLowerCase()],
    [name.toLowerCase(), name.toLowerCase()],
  ]),
);

// Without a prototype, so that no name has a meaning of its own; made by a constructor, so that V8 keeps them fast.
const Fields = function Fields() {} as unknown as new () => IncomingHttpHeaders;
Fields.prototype = Object.create(null);

/**
 * Reads heads of requests that can be read in one way only. It knows one form of HTTP/1.1, far narrower than the
 * standard: one line for each field, one space behind the colon, plain ASCII, no name twice, and of the connection
 * nothing but `keep-alive` and `close`.
 *
 * Clients send one and the same head again and again, but for the length of the body. So the last one is remembered,
 * and while the bytes are equal, so is all that was read from them.
 */
export class HeadReader {
  method = '';
  /** The target, which begins with a slash. */
  url = '';
  /** By name in lower case, without `content-length`. They may be those of an earlier request, so nobody may change them. */
  headers: IncomingHttpHeaders = {};
  /** Length of the body in bytes, `undefined` when none is announced. */
  bodyLength: number | undefined;
  /** Whether the client wants the connection closed after the answer. */
  isLast = false;
  /** Length of the head in bytes, the empty line included. */
  length = 0;
  #last: Buffer | undefined;
  // Where the digits of the body's length stand in the last head.
  #digitsStart = 0;
  #digitsEnd = 0;

  /** @returns `false` for everything that is not in the known form, also for a head whose end is not there yet. */
  read(bytes: Buffer, start: number, end: number): boolean {
    return this.#repeat(bytes, start, end) || this.#parse(bytes, start, end);
  }

  /** Gives back the memory the last head takes. */
  forget(): void {
    this.#last = undefined;
    this.headers = {};
  }

  #repeat(bytes: Buffer, start: number, end: number): boolean {
    const last = this.#last;
    if (last === undefined) return false;
    const digits = start + this.#digitsStart;
    const behind = last.length - this.#digitsEnd;
    if (digits + behind >= end || last.compare(bytes, start, digits, 0, this.#digitsStart) !== 0) return false;
    const first = bytes[digits]! - 0x30;
    if (first < 1 || first > 9) return false;
    let length = first;
    let at = digits + 1;
    for (; at - digits < MAX_LENGTH_DIGITS; at++) {
      const digit = bytes[at]! - 0x30;
      if (!(digit >= 0 && digit <= 9)) break;
      length = length * 10 + digit;
    }
    if (at + behind > end || last.compare(bytes, at, at + behind, this.#digitsEnd, last.length) !== 0) return false;
    this.bodyLength = length;
    this.length = at + behind - start;
    return true;
  }

  #parse(bytes: Buffer, start: number, end: number): boolean {
    const stop = bytes.indexOf(HEAD_END, start);
    const length = stop + HEAD_END.length - start;
    if (stop < 0 || start + length > end || length > MAX_HEAD_BYTES) return false;
    // With the line end of the last field, without the empty line.
    const text = bytes.toString('latin1', start, stop + 2);
    const lineEnd = text.indexOf('\r\n');
    const line = REQUEST_LINE.exec(text.slice(0, lineEnd));
    if (line === null || UNFIT.test(text)) return false;
    const headers = new Fields();
    let bodyLength: number | undefined;
    let digitsStart = 0;
    let digitsEnd = 0;
    let isLast = false;
    let at = lineEnd + 2;
    for (let count = 0; at < text.length; count++) {
      const colon = text.indexOf(': ', at);
      const fieldEnd = text.indexOf('\r\n', at);
      if (count === MAX_FIELDS || colon < 0 || colon > fieldEnd) return false;
      const name = nameOf(text.slice(at, colon));
      if (name === undefined || name in headers) return false;
      const value = text.slice(colon + 2, fieldEnd);
      if (value === '' || value.charCodeAt(0) === SPACE || value.charCodeAt(value.length - 1) === SPACE) return false;
      if (name === 'content-length') {
        if (bodyLength !== undefined || !LENGTH.test(value)) return false;
        bodyLength = Number(value);
        digitsStart = colon + 2;
        digitsEnd = fieldEnd;
      } else {
        if (name === 'connection') {
          isLast = value === 'close';
          if (!isLast && value !== 'keep-alive' && value !== 'Keep-Alive') return false;
        }
        headers[name] = value;
      }
      at = fieldEnd + 2;
    }
    this.#last = bodyLength === undefined ? undefined : Buffer.from(bytes.subarray(start, start + length));
    this.#digitsStart = digitsStart;
    this.#digitsEnd = digitsEnd;
    this.method = line[1]!;
    this.url = line[2]!;
    this.headers = headers;
    this.bodyLength = bodyLength;
    this.isLast = isLast;
    this.length = length;
    return true;
  }
}

function nameOf(spelled: string): string | undefined {
  const usual = USUAL_NAMES.get(spelled);
  if (usual !== undefined) return usual;
  const name = spelled.toLowerCase();
  return NAME.test(name) && !LEFT_TO_NODE.has(name) ? name : undefined;
}
