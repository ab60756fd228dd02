/** Values by lower-cased name; a list where a name came more than once. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** What the head of an answer says. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Length of the body in bytes, or how its end is known: `chunked` marks it, `close` is the end of the connection. */
  readonly body: number | 'chunked' | 'close';
  /** How long the connection may wait for its next request, in milliseconds; 0 when it must be closed. */
  readonly idleMs: number;
}

/** Longest time a connection waits for its next request. */
export const MAX_IDLE_MS = 60_000;
const MAX_FIELDS = 200;
const STATUS_LINE = /HTTP\/1\.([01]) ([1-5]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?\r\n/y;
const FIELD = /([!#$%&'*+.^`|~\w-]+):[\t ]*([\t\x20-\x7e\x80-\xff]*)\r\n/y;
const CLOSE = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;
const KEEP_ALIVE = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i;

/**
 * Reads the head of an answer, its closing empty line included. Stricter than RFC 9112 asks for: whatever two readers
 * could understand differently is refused.
 * @throws Error that says what is wrong with it.
 */
export function parseResponseHead(text: string): ResponseHead {
  STATUS_LINE.lastIndex = 0;
  const line = STATUS_LINE.exec(text);
  if (line === null) throw malformed('its status line');
  const status = Number(line[2]);
  const headers = parseFields(text, STATUS_LINE.lastIndex);
  const isOld = line[1] === '0';
  return { status, headers, body: bodyOf(status, headers, isOld), idleMs: idleOf(headers, isOld) };
}

/** An answer that cannot be understood, or only by guessing. */
export function malformed(what: string): Error {
  return new Error(`its answer is no valid HTTP: ${what}`);
}

function parseFields(text: string, start: number): ResponseHeaders {
  const fields: Record<string, string | string[] | undefined> = new Fields();
  const end = text.length - 2;
  let at = start;
  for (let count = 0; at < end; count++) {
    if (count === MAX_FIELDS) throw malformed(`more than ${MAX_FIELDS} headers`);
    FIELD.lastIndex = at;
    const field = FIELD.exec(text);
    if (field === null) throw malformed('a header line');
    at = FIELD.lastIndex;
    const name = field[1]!.toLowerCase();
    const value = trimEnd(field[2]!);
    const earlier = fields[name];
    if (earlier === undefined) fields[name] = value;
    else if (typeof earlier === 'string') fields[name] = [earlier, value];
    else earlier.push(value);
  }
  return fields;
}

// Without a prototype, so that no name a server sends is there already; as a class such objects stay fast.
const Fields = function Fields() {} as unknown as new () => Record<string, string | string[] | undefined>;
Fields.prototype = Object.create(null);

function trimEnd(value: string): string {
  let end = value.length;
  while (end > 0 && (value.charCodeAt(end - 1) === 0x20 || value.charCodeAt(end - 1) === 0x09)) end--;
  return end === value.length ? value : value.slice(0, end);
}

function bodyOf(status: number, headers: ResponseHeaders, isOld: boolean): ResponseHead['body'] {
  const lengthField = headers['content-length'];
  const coding = headers['transfer-encoding'];
  const length = lengthField === undefined ? undefined : parseLength(lengthField);
  if (coding !== undefined) {
    if (length !== undefined) throw malformed('both Content-Length and Transfer-Encoding');
    if (isOld || typeof coding !== 'string' || coding.toLowerCase() !== 'chunked') throw malformed('its Transfer-Encoding');
  }
  if (status < 200 || status === 204 || status === 304) return 0;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && !(typeof encoding === 'string' && encoding.toLowerCase() === 'identity')) {
    throw new Error('its answer is compressed, which it was asked not to do');
  }
  if (coding !== undefined) return 'chunked';
  return length ?? 'close';
}

// The same length given twice is harmless.
function parseLength(field: string | string[]): number {
  const text = typeof field === 'string' ? field : field[0]!;
  if (typeof field !== 'string' && field.some((other) => other !== text)) throw malformed('more than one Content-Length');
  if (!/^\d{1,15}$/.test(text)) throw malformed('its Content-Length');
  return Number(text);
}

// The server's clock and ours start at different moments, so we give up a connection a little before it does.
function idleOf(headers: ResponseHeaders, isOld: boolean): number {
  const connection = headers['connection'];
  if (connection === undefined && isOld) return 0;
  if (connection !== undefined) {
    const options = typeof connection === 'string' ? connection : connection.join(',');
    if (CLOSE.test(options) || (isOld && !KEEP_ALIVE.test(options))) return 0;
  }
  const hint = headers['keep-alive'];
  const seconds = typeof hint === 'string' ? /(?:^|[\t ,;])timeout=(\d{1,9})/i.exec(hint)?.[1] : undefined;
  if (seconds === undefined) return MAX_IDLE_MS;
  const ms = Number(seconds) * 1000;
  return Math.min(MAX_IDLE_MS, ms - Math.min(1000, ms / 2));
}
