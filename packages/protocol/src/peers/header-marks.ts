import { isObject } from '@signalbox/core';

/** The keyword by which a tool's schema asks for an argument to be repeated in a header. */
export const HEADER_KEYWORD = 'x-mcp-header';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const MAX_SCHEMA_DEPTH = 32;
const MARKABLE_TYPES: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);
// Keywords that hold a schema or a list of schemas, and keywords that hold schemas by name. What other keywords hold is
// data, in which a member named like the mark marks nothing.
const SCHEMA_KEYWORDS = [
  'items',
  'prefixItems',
  'additionalItems',
  'unevaluatedItems',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
];
const NAMED_SCHEMA_KEYWORDS = ['patternProperties', 'dependentSchemas', 'dependencies', '$defs', 'definitions'];

/** An argument that is repeated in a header, and the way to it. */
export interface HeaderMark {
  readonly header: string;
  readonly path: readonly string[];
}

/** The marks that can be followed: those with the name of a header, on properties reachable through `properties` alone. */
export function findHeaderMarks(schema: unknown): readonly HeaderMark[] {
  return collect(schema, [], 0);
}

/**
 * Why a tool's marks cannot be honoured, which makes its definition an invalid one; `undefined` when they can, or there are none.
 * @see https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#schema-extension
 */
export function explainHeaderMarks(schema: object): string | undefined {
  const names = new Set<string>();
  // A list in place of recursion: how deep a schema is nested is its server's choice.
  const places: Place[] = [{ schema, path: '', depth: 0, isReachable: true }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    if (!isObject(place.schema)) continue;
    const fault = Object.hasOwn(place.schema, HEADER_KEYWORD) ? explainMark(place.schema, place, names) : undefined;
    if (fault !== undefined) return `"${HEADER_KEYWORD}" ${fault}`;
    pushInner(place.schema, place, places);
  }
  return undefined;
}

interface Place {
  readonly schema: unknown;
  /** The way there, for people. */
  readonly path: string;
  readonly depth: number;
  /** Whether nothing but `properties` lies between the root and here. */
  readonly isReachable: boolean;
}

function explainMark(schema: Record<string, unknown>, place: Place, names: Set<string>): string | undefined {
  const name = schema[HEADER_KEYWORD];
  const where = place.depth === 0 ? 'at the root' : `at ${JSON.stringify(cut(place.path))}`;
  if (place.depth === 0 || !place.isReachable) return `stands ${where}, which is no property reachable through "properties" alone`;
  if (place.depth > MAX_SCHEMA_DEPTH) return `stands ${where}, deeper than ${MAX_SCHEMA_DEPTH} levels`;
  if (typeof name !== 'string') return `${where} is no text`;
  if (name === '') return `${where} is empty`;
  if (!TOKEN.test(name)) return `${where} is ${JSON.stringify(cut(name))}, which no header can be named`;
  const { type } = schema;
  if (!MARKABLE_TYPES.has(type)) {
    return `${where} marks ${type === undefined ? 'a value of any type' : `the type ${cut(JSON.stringify(type))}`}; only "string", "integer" and "boolean" may be`;
  }
  const lowerCased = name.toLowerCase();
  if (names.has(lowerCased)) return `names the header "${cut(name)}" twice; upper and lower case are the same`;
  names.add(lowerCased);
  return undefined;
}

function pushInner(schema: Record<string, unknown>, { path, depth, isReachable }: Place, places: Place[]): void {
  const push = (inner: unknown, key: string, stays: boolean) =>
    places.push({ schema: inner, path: path === '' ? key : `${path}.${key}`, depth: depth + 1, isReachable: stays });
  for (const keyword of SCHEMA_KEYWORDS) {
    const value = schema[keyword];
    if (Array.isArray(value)) for (const inner of value as unknown[]) push(inner, keyword, false);
    else if (isObject(value)) push(value, keyword, false);
  }
  for (const keyword of NAMED_SCHEMA_KEYWORDS) {
    const value = schema[keyword];
    if (isObject(value)) for (const inner of Object.values(value)) push(inner, keyword, false);
  }
  const { properties } = schema;
  if (isObject(properties)) for (const [key, inner] of Object.entries(properties).toReversed()) push(inner, key, isReachable);
}

function collect(schema: unknown, path: readonly string[], depth: number): HeaderMark[] {
  if (!isObject(schema) || depth > MAX_SCHEMA_DEPTH) return [];
  const header = schema[HEADER_KEYWORD];
  const own = path.length > 0 && typeof header === 'string' && TOKEN.test(header) ? [{ header, path }] : [];
  const { properties } = schema;
  if (!isObject(properties)) return own;
  return own.concat(Object.entries(properties).flatMap(([key, child]) => collect(child, [...path, key], depth + 1)));
}

function cut(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
