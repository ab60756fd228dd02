import { GatewayError, isObject, type Params, type ResultOutcome } from '@signalbox/core';
import { NAMED_METHODS } from '../revisions/revisions.ts';
import { HEADER_KEYWORD, findHeaderMarks, type HeaderMark } from './header-marks.ts';

/** Lists that are kept, and how long what they are kept by may be. */
const MAX_LISTS = 256;
const MAX_KEY_LENGTH = 256;
const SENTINEL = /^=\?base64\?.*\?=$/s;

/**
 * The headers in which a modern request repeats parts of its body: its name, and the arguments that the tool's schema
 * marks with `x-mcp-header`. Learns about the latter from the tool lists that pass by.
 */
export class MirroredHeaders {
  readonly #tools = new Map<string, readonly HeaderMark[]>();
  // Lists by method and name, so that the same request has the same list and whoever writes it can know it again.
  readonly #lists = new Map<string, string[]>();

  /** Reads which arguments tools want repeated from one page of the answer to `tools/list`. */
  learn({ result }: ResultOutcome): void {
    const tools = result.bytes.includes(HEADER_KEYWORD) ? result.object?.['tools'] : undefined;
    if (!Array.isArray(tools)) return;
    for (const tool of tools) {
      if (isObject(tool) && typeof tool['name'] === 'string') this.#tools.set(tool['name'], findHeaderMarks(tool['inputSchema']));
    }
  }

  /** The headers of one request behind those of all of them, names and values in turn. Nobody may change the list. */
  list(base: readonly string[], method: string, params: Params): string[] {
    const name = nameIn(method, params);
    const isMarked = method === 'tools/call' && name !== undefined && (this.#tools.get(name)?.length ?? 0) > 0;
    const key = `${method}\n${name ?? ''}`;
    let headers = isMarked ? undefined : this.#lists.get(key);
    if (headers !== undefined) return headers;
    headers = [...base];
    this.#write(method, params, headers);
    if (isMarked || key.length > MAX_KEY_LENGTH) return headers;
    if (this.#lists.size >= MAX_LISTS) this.#lists.clear();
    this.#lists.set(key, headers);
    return headers;
  }

  #write(method: string, params: Params, headers: string[]): void {
    headers.push('mcp-method', method);
    const name = nameIn(method, params);
    if (name === undefined) return;
    headers.push('mcp-name', toHeaderValue(name));
    const mirrored = method === 'tools/call' ? this.#tools.get(name) : undefined;
    if (mirrored === undefined || mirrored.length === 0) return;
    const values = params.get('arguments')?.value;
    for (const { header, path } of mirrored) {
      const text = toText(path.reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), values));
      if (text !== undefined) headers.push(`mcp-param-${header}`, toHeaderValue(text));
    }
  }
}

function nameIn(method: string, params: Params): string | undefined {
  const member = NAMED_METHODS.get(method);
  const name: unknown = member === undefined ? undefined : params.get(member)?.value;
  return typeof name === 'string' ? name : undefined;
}

/** A value as a header may carry it: as it is where that is safe, otherwise as base64 between markers. */
export function toHeaderValue(text: string): string {
  const isPlain = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !SENTINEL.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

const DECIMAL = /^-?\d{1,16}(?:\.0{1,16})?$/;
const knownMarks = new WeakMap<object, readonly HeaderMark[]>();

/**
 * Makes sure that what a client repeated of its arguments outside the body is what the body says.
 * @param schema The tool's input schema, whose marks say what is repeated and where.
 * @throws GatewayError `HEADER_MISMATCH`
 */
export function checkMirroredArguments(schema: object, values: unknown, mirrored: ReadonlyMap<string, string>): void {
  let marks = knownMarks.get(schema);
  if (marks === undefined) knownMarks.set(schema, (marks = findHeaderMarks(schema)));
  for (const { header, path } of marks) {
    const value = path.reduce<unknown>((object, key) => (isObject(object) ? object[key] : undefined), values);
    const expected = toText(value);
    const given = mirrored.get(header.toLowerCase());
    if (given === expected || (given !== undefined && isSameInteger(given, value))) continue;
    throw new GatewayError(
      'HEADER_MISMATCH',
      `Cannot accept a request whose Mcp-Param-${header} header is not the argument "${path.join('.')}" of its body`,
    );
  }
}

// A number may be written in several ways; it may not be one that others on the way read as another, such as 0x2a, nor one
// too large to be compared.
function isSameInteger(text: string, value: unknown): boolean {
  return Number.isSafeInteger(value) && DECIMAL.test(text) && Number(text) === value;
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
}
