import { GatewayError, isObject, type Params, type ResultOutcome } from '@signalbox/core';
import { NAMED_METHODS } from '../revisions/revisions.ts';

const HEADER_KEYWORD = 'x-mcp-header';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const SENTINEL = /^=\?base64\?.*\?=$/s;
const MAX_SCHEMA_DEPTH = 32;

interface MirroredParam {
  readonly header: string;
  readonly path: readonly string[];
}

/**
 * The headers in which a modern request repeats parts of its body: its name, and the arguments that the tool's schema
 * marks with `x-mcp-header`. Learns about the latter from the tool lists that pass by.
 */
export class MirroredHeaders {
  readonly #tools = new Map<string, readonly MirroredParam[]>();

  /** Reads which arguments tools want repeated from one page of the answer to `tools/list`. */
  learn({ result }: ResultOutcome): void {
    const tools = result.bytes.includes(HEADER_KEYWORD) ? result.object?.['tools'] : undefined;
    if (!Array.isArray(tools)) return;
    for (const tool of tools) {
      if (isObject(tool) && typeof tool['name'] === 'string') this.#tools.set(tool['name'], findParams(tool['inputSchema'], [], 0));
    }
  }

  /** Adds the headers of one request to `headers`, names and values in turn. */
  write(method: string, params: Params, headers: string[]): void {
    headers.push('mcp-method', method);
    const member = NAMED_METHODS.get(method);
    const name = member === undefined ? undefined : params.get(member)?.value;
    if (typeof name !== 'string') return;
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

/** A value as a header may carry it: as it is where that is safe, otherwise as base64 between markers. */
export function toHeaderValue(text: string): string {
  const isPlain = /^[\t\x20-\x7e]+$/.test(text) && text === text.trim() && !SENTINEL.test(text);
  return isPlain ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`;
}

// Only properties reachable through `properties` alone may be marked.
function findParams(schema: unknown, path: readonly string[], depth: number): MirroredParam[] {
  if (!isObject(schema) || depth > MAX_SCHEMA_DEPTH) return [];
  const header = schema[HEADER_KEYWORD];
  const own = path.length > 0 && typeof header === 'string' && TOKEN.test(header) ? [{ header, path }] : [];
  const { properties } = schema;
  if (!isObject(properties)) return own;
  return own.concat(Object.entries(properties).flatMap(([key, child]) => findParams(child, [...path, key], depth + 1)));
}

const marks = new WeakMap<object, readonly MirroredParam[]>();

/**
 * Makes sure that what a client repeated of its arguments outside the body is what the body says.
 * @param schema The tool's input schema, whose marks say what is repeated and where.
 * @throws GatewayError `HEADER_MISMATCH`
 */
export function checkMirroredArguments(schema: object, values: unknown, mirrored: ReadonlyMap<string, string>): void {
  let params = marks.get(schema);
  if (params === undefined) marks.set(schema, (params = findParams(schema, [], 0)));
  for (const { header, path } of params) {
    const value = path.reduce<unknown>((object, key) => (isObject(object) ? object[key] : undefined), values);
    const expected = toText(value);
    const given = mirrored.get(header.toLowerCase());
    if (given === expected || (typeof value === 'number' && given !== undefined && given !== '' && Number(given) === value)) continue;
    throw new GatewayError(
      'HEADER_MISMATCH',
      `Cannot accept a request whose Mcp-Param-${header} header is not the argument "${path.join('.')}" of its body`,
    );
  }
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : String(value);
}
