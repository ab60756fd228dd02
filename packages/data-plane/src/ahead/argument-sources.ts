import { canonicalJson, isObject } from '@signalbox/core';
import { isTelling, type EndedCall, type Scalar } from './ended-call.ts';

/** What a call of a conversation may take its arguments from. */
export interface KnownValues {
  /** The newest first. */
  readonly calls: readonly EndedCall[];
  /** What was given last under a name, in whichever call. */
  readonly named: ReadonlyMap<string, unknown>;
}

export interface SourceOptions {
  /** Keyed hash of a place in a result. */
  readonly hashOf: (place: string) => string;
}

const MAX_ARGUMENTS = 12;
const MAX_VALUE_CHARS = 1_000;
const MAX_SOURCES_CHARS = 1_000;

/** How a source begins: of the argument of that name before, of an argument, of a result, of the schema. */
const [SAME, ARGUMENT, RESULT, LITERAL] = ['s', 'a', 'r', 'l'] as const;
/** Before the source of the only item of a list. */
const ONLY = '[';
/** Arguments that were not given at all. */
const NONE = 'null';

/**
 * Tells where each argument of a call stood before it: `s` under the same name, `a0:name` in an argument of the last call, `r1:hash` in
 * the result of the one before it, `l:json` in the schema. The first of them that holds, so that the same is told in the same words.
 * @returns `undefined` where one stood nowhere.
 */
export function describeSources(
  args: unknown,
  known: KnownValues,
  { hashOf, inputSchema }: SourceOptions & { readonly inputSchema: unknown },
): string | undefined {
  if (args === undefined) return NONE;
  if (!isObject(args)) return undefined;
  const names = Object.keys(args);
  if (names.length > MAX_ARGUMENTS) return undefined;
  const properties = isObject(inputSchema) && isObject(inputSchema['properties']) ? inputSchema['properties'] : {};
  const sources: [name: string, source: string][] = [];
  for (const name of names.toSorted()) {
    const source = sourceOf(args[name], { name, known, hashOf, schema: properties[name] });
    if (source === undefined) return undefined;
    sources.push([name, source]);
  }
  const text = JSON.stringify(sources);
  return text.length > MAX_SOURCES_CHARS ? undefined : text;
}

/**
 * Takes arguments from where `describeSources` has said that they stand.
 * @returns `undefined` where one of them is not there; `args` is absent where the call has none.
 */
export function takeArguments(
  sources: string,
  known: KnownValues,
  options: SourceOptions,
): { readonly args?: Readonly<Record<string, unknown>> } | undefined {
  if (sources === NONE) return {};
  const args: Record<string, unknown> = {};
  for (const [name, source] of JSON.parse(sources) as [string, string][]) {
    const value = valueOf(source, { name, known, ...options });
    if (value === undefined) return undefined;
    // A name may be any text, `__proto__` included.
    Object.defineProperty(args, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return { args };
}

/** The same for people, argument by argument. Places in results are known by hashes only, so they are not told. */
export function explainSources(sources: string): { name: string; from: string }[] {
  if (sources === NONE) return [];
  return (JSON.parse(sources) as [string, string][]).map(([name, source]) => ({ name, from: explain(source) }));
}

function explain(source: string): string {
  if (source === SAME) return 'as given under this name before';
  if (source.startsWith(ONLY)) return `a list of one: ${explain(source.slice(ONLY.length))}`;
  const rest = source.slice(source.indexOf(':') + 1);
  if (source.startsWith(LITERAL)) return rest;
  const call = ['the last call', 'the call before it', 'the call before these'][Number(source[1])] ?? 'an earlier call';
  return source.startsWith(ARGUMENT) ? `argument "${rest}" of ${call}` : `a place in the result of ${call}`;
}

interface Place extends SourceOptions {
  readonly name: string;
  readonly known: KnownValues;
}

function sourceOf(value: unknown, place: Place & { readonly schema: unknown }): string | undefined {
  const { name, known, schema } = place;
  const definition = isObject(schema) ? schema : {};
  if (value === null || typeof value === 'boolean' || (value !== undefined && value === definition['default'])) return literal(value);
  if (isSame(known.named.get(name), value)) return SAME;
  if (Array.isArray(value) && value.length === 1 && isTelling(value[0])) {
    const source = standing(value[0], place);
    return source === undefined ? undefined : ONLY + source;
  }
  const source = isTelling(value) ? standing(value, place) : undefined;
  if (source !== undefined) return source;
  const listed = Array.isArray(definition['enum']) ? (definition['enum'] as unknown[]) : [];
  return listed.includes(value) || value === definition['const'] ? literal(value) : undefined;
}

function standing(value: Scalar, { known, hashOf }: Place): string | undefined {
  for (const [distance, call] of known.calls.entries()) {
    const found = call.placeOf(value);
    if (found !== undefined) return `${RESULT}${distance}:${hashOf(found)}`;
    for (const other of Object.keys(call.args)) if (call.args[other] === value) return `${ARGUMENT}${distance}:${other}`;
  }
  return undefined;
}

function valueOf(source: string, { name, known, hashOf }: Place): unknown {
  if (source === SAME) return known.named.get(name);
  if (source.startsWith(ONLY)) {
    const only = valueOf(source.slice(ONLY.length), { name, known, hashOf });
    return only === undefined ? undefined : [only];
  }
  const rest = source.slice(source.indexOf(':') + 1);
  if (source.startsWith(LITERAL)) return JSON.parse(rest);
  const call = known.calls[Number(source[1])];
  if (call === undefined) return undefined;
  if (source.startsWith(ARGUMENT)) return Object.hasOwn(call.args, rest) ? call.args[rest] : undefined;
  for (const [place, value] of call.places) if (hashOf(place) === rest) return value;
  return undefined;
}

function literal(value: unknown): string {
  return `${LITERAL}:${JSON.stringify(value)}`;
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return one !== undefined;
  return typeof one === 'object' && typeof other === 'object' && canonicalJson(one) === canonicalJson(other);
}

/** Whether a value may be kept, to be given again under its name: it can be written again as it was, and is not large. */
export function isKept(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= MAX_VALUE_CHARS;
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  const text = JSON.stringify(value);
  // Numbers that are larger than they can be read were changed when they were.
  return text.length <= MAX_VALUE_CHARS && !/\d{16}/.test(text);
}
