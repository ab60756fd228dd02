import { Scanner } from '@signalbox/protocol';
import { ContainerWalk, isContainer, skipGently } from './container-walk.ts';
import { TURN_BYTES, type Gentle } from './gently.ts';

interface Range {
  /** Where the value begins and ends in the bytes it was found in. */
  readonly start: number;
  readonly end: number;
}

export interface ArraySketch extends Range {
  readonly kind: 'array';
  readonly count: number;
  /** The first ones. */
  readonly items: readonly Sketch[];
}

export interface ObjectSketch extends Range {
  readonly kind: 'object';
  readonly count: number;
  /** The first ones. */
  readonly members: readonly (readonly [key: string, value: Sketch])[];
}

/** The outlines of a JSON value: how large it is everywhere, and what it looks like at the beginning. */
export type Sketch = ArraySketch | ObjectSketch | (Range & { readonly kind: 'string' | 'literal' });

const MAX_ITEMS = 20;
const MAX_MEMBERS = 200;
/** Values looked into, in all. Beyond that they are counted. */
const MAX_NODES = 5_000;
const MAX_DEPTH = 24;

/**
 * Walks a JSON value once, without building it, and remembers its beginnings.
 * @throws SyntaxError when the bytes are no JSON value; only their structure is looked at.
 */
export function* sketchJson(bytes: Buffer): Gentle<Sketch> {
  const sketcher = new Sketcher(bytes);
  const start = sketcher.scanner.skipSpace(0);
  const sketch = yield* sketcher.sketch(start, 0);
  if (sketcher.scanner.skipSpace(sketch.end) < bytes.length) throw new SyntaxError(`Unexpected text at byte ${sketch.end}`);
  return sketch;
}

class Sketcher {
  readonly scanner: Scanner;
  #nodes = 0;
  #restedAt = 0;

  constructor(bytes: Buffer) {
    this.scanner = new Scanner(bytes);
  }

  *sketch(start: number, depth: number): Gentle<Sketch> {
    this.#nodes++;
    const { scanner } = this;
    const first = scanner.bytes[start];
    if (!isContainer(first)) {
      const end = yield* skipGently(scanner, start);
      if (end > scanner.bytes.length) throw new SyntaxError('Unexpected end of text');
      return { kind: first === 0x22 ? 'string' : 'literal', start, end };
    }
    const walk = new ContainerWalk(scanner, start);
    const most = this.#nodes > MAX_NODES || depth >= MAX_DEPTH ? 0 : walk.isObject ? MAX_MEMBERS : MAX_ITEMS;
    const items: Sketch[] = [];
    const members: (readonly [string, Sketch])[] = [];
    while (walk.next()) {
      if (walk.index < most) {
        const child = yield* this.sketch(walk.start, depth + 1);
        walk.end = child.end;
        if (walk.isObject) members.push([walk.key, child]);
        else items.push(child);
      } else {
        walk.skip();
      }
      if (walk.end - this.#restedAt < TURN_BYTES) continue;
      this.#restedAt = walk.end;
      yield;
    }
    const range = { start, end: walk.end, count: walk.index + 1 };
    return walk.isObject ? { kind: 'object', ...range, members } : { kind: 'array', ...range, items };
  }
}

/** Whether it is worth trying to read a text as JSON: it begins and ends as an array or object does. */
export function doesLookLikeJson(bytes: Buffer): boolean {
  const first = bytes[new Scanner(bytes).skipSpace(0)];
  if (!isContainer(first)) return false;
  let end = bytes.length - 1;
  while (end > 0 && (bytes[end] === 0x20 || bytes[end] === 0x0a || bytes[end] === 0x0d || bytes[end] === 0x09)) end--;
  // An opening bracket and its closing one are two apart in ASCII.
  return bytes[end] === first! + 2;
}
