import { isObject, type CalledTool, type RawJson } from '@signalbox/core';

/** Results of more bytes are not looked into. */
export const MAX_RESULT_BYTES = 16_384;
const MAX_PLACES = 200;
const MAX_DEPTH = 6;
/** Of a list, the first. */
const MAX_ITEMS = 5;
const MAX_TEXT_CHARS = 200;

export type Scalar = string | number;

/** A call of a conversation that went well, as far as later ones may take their arguments from it. */
export class EndedCall {
  readonly tool: CalledTool;
  /** Empty where it had none. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly #result: RawJson | undefined;
  #places: ReadonlyMap<string, Scalar> | undefined;
  #placeOf: ReadonlyMap<Scalar, string> | undefined;

  constructor(tool: CalledTool, args: Readonly<Record<string, unknown>>, result: RawJson | undefined) {
    this.tool = tool;
    this.args = args;
    this.#result = result;
  }

  /** What stands where in the result, as far as it was looked into. */
  get places(): ReadonlyMap<string, Scalar> {
    return (this.#places ??= readPlaces(this.#result?.object));
  }

  /** The first place where a value stands in the result. */
  placeOf(value: Scalar): string | undefined {
    if (this.#placeOf === undefined) {
      const found = new Map<Scalar, string>();
      for (const [place, each] of this.places) if (!found.has(each)) found.set(each, place);
      this.#placeOf = found;
    }
    return this.#placeOf.get(value);
  }
}

/** Whether a value is one that would hardly stand somewhere by chance, and can be written again as it was. */
export function isTelling(value: unknown): value is Scalar {
  if (typeof value === 'string') return value.length > 1 && value.length <= MAX_TEXT_CHARS;
  return typeof value === 'number' && (Number.isSafeInteger(value) ? Math.abs(value) >= 10 : !Number.isInteger(value));
}

function readPlaces(result: Readonly<Record<string, unknown>> | undefined): ReadonlyMap<string, Scalar> {
  const places = new Map<string, Scalar>();
  if (result === undefined) return places;
  const { structuredContent, content } = result;
  if (structuredContent !== undefined) {
    walk(structuredContent, { place: '', depth: 0, places });
    return places;
  }
  if (!Array.isArray(content)) return places;
  for (const [index, block] of content.slice(0, MAX_ITEMS).entries()) {
    const text: unknown = isObject(block) ? block['text'] : undefined;
    if (typeof text !== 'string') continue;
    const value = parse(text);
    if (value === undefined) {
      if (isTelling(text)) places.set(`text ${index}`, text);
    } else walk(value, { place: `text ${index}`, depth: 0, places });
  }
  return places;
}

/** @returns `undefined` for what is no list and no object. */
function parse(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Walk {
  /** As a JSON pointer has it. */
  readonly place: string;
  readonly depth: number;
  readonly places: Map<string, Scalar>;
}

function walk(value: unknown, { place, depth, places }: Walk): void {
  if (places.size >= MAX_PLACES || depth > MAX_DEPTH) return;
  if (isTelling(value)) places.set(place, value);
  else if (Array.isArray(value))
    for (const [index, item] of value.slice(0, MAX_ITEMS).entries()) walk(item, { place: `${place}/${index}`, depth: depth + 1, places });
  else if (isObject(value))
    for (const name of Object.keys(value))
      walk(value[name], { place: `${place}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth: depth + 1, places });
}
