import { decodeHead } from './json-text.ts';
import type { ArraySketch, ObjectSketch, Sketch } from './sketch.ts';

interface Limits {
  readonly items: number;
  readonly members: number;
  /** Bytes of a string. */
  readonly text: number;
  readonly depth: number;
}

/** From generous to scant. The last one bounds the outline of anything. */
const LIMITS: readonly Limits[] = [
  { items: 20, members: 200, text: 500, depth: 8 },
  { items: 10, members: 100, text: 250, depth: 6 },
  { items: 5, members: 60, text: 120, depth: 5 },
  { items: 3, members: 40, text: 80, depth: 4 },
  { items: 2, members: 25, text: 60, depth: 3 },
  { items: 1, members: 15, text: 40, depth: 2 },
  { items: 1, members: 8, text: 30, depth: 1 },
];

/** A value of at most this many bytes stands on one line. */
const ONE_LINE = 100;
const MAX_KEY = 80;
const INDENT = '  ';

/**
 * A JSON value as text in which everything left out is marked by a comment, so that it can be mistaken for no complete
 * JSON. Takes the most generous form that fits into `maxBytes`, or the shortest there is.
 */
export function outlineJson(bytes: Buffer, sketch: Sketch, maxBytes: number): string {
  let text = '';
  for (const limits of LIMITS) {
    text = new Outliner(bytes, limits).write(sketch, '', 0);
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  return text;
}

/** What a value is, in words: its kind and size. */
export function describeShape(sketch: Sketch): string {
  if (sketch.kind === 'array') return `array of ${count(sketch.count, 'item')}`;
  if (sketch.kind === 'object') return `object of ${count(sketch.count, 'member')}`;
  return sketch.kind === 'string' ? 'string' : 'value';
}

/** A number of things, with its thousands set apart. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? noun : plural}`;
}

class Outliner {
  readonly #bytes: Buffer;
  readonly #limits: Limits;

  constructor(bytes: Buffer, limits: Limits) {
    this.#bytes = bytes;
    this.#limits = limits;
  }

  write(sketch: Sketch, indent: string, depth: number): string {
    const length = sketch.end - sketch.start;
    if (length <= ONE_LINE) return this.#verbatim(sketch);
    switch (sketch.kind) {
      case 'literal':
        return this.#verbatim(sketch);
      case 'string':
        return this.#string(sketch, length);
      case 'array':
        return depth >= this.#limits.depth ? `[ /* ${count(sketch.count, 'item')} */ ]` : this.#array(sketch, indent, depth);
      case 'object':
        return depth >= this.#limits.depth ? `{ /* ${count(sketch.count, 'member')} */ }` : this.#object(sketch, indent, depth);
    }
  }

  #verbatim({ start, end }: Sketch): string {
    return this.#bytes.toString('utf8', start, end).replaceAll(/\s*[\r\n]\s*/g, ' ');
  }

  #string(sketch: Sketch, length: number): string {
    if (length <= this.#limits.text + 2) return this.#verbatim(sketch);
    const head = decodeHead(this.#bytes, sketch, this.#limits.text);
    return `${JSON.stringify(`${head}…`)} /* cut, ${count(length - 2, 'byte')} */`;
  }

  #array(sketch: ArraySketch, indent: string, depth: number): string {
    const inner = indent + INDENT;
    const shown = sketch.items.slice(0, this.#limits.items).map((item) => inner + this.write(item, inner, depth + 1));
    return this.#frame(['[', ']'], shown, { more: sketch.count - shown.length, noun: 'item', indent });
  }

  #object(sketch: ObjectSketch, indent: string, depth: number): string {
    const inner = indent + INDENT;
    const shown = sketch.members
      .slice(0, this.#limits.members)
      .map(([key, value]) => `${inner}${JSON.stringify(shorten(key))}: ${this.write(value, inner, depth + 1)}`);
    return this.#frame(['{', '}'], shown, { more: sketch.count - shown.length, noun: 'member', indent });
  }

  #frame(
    [open, close]: readonly [string, string],
    shown: readonly string[],
    rest: { readonly more: number; readonly noun: string; readonly indent: string },
  ): string {
    const { more, noun, indent } = rest;
    const left = more === 0 ? [] : [`${indent}${INDENT}/* ${count(more, `more ${noun}`)} */`];
    return `${open}\n${[shown.join(',\n'), ...left].filter((line) => line !== '').join(',\n')}\n${indent}${close}`;
  }
}

function shorten(key: string): string {
  return key.length <= MAX_KEY ? key : `${Array.from(key).slice(0, MAX_KEY).join('')}…`;
}
