import { Scanner } from '@signalbox/protocol';
import { ContainerWalk, isContainer } from './container-walk.ts';
import { TURN_BYTES, type Gentle } from './gently.ts';
import { count } from './outline.ts';
import { toPointerStep } from './shorten-json.ts';

/** A value found at a path, and where it lies. */
export interface Match {
  readonly path: string;
  readonly start: number;
  readonly end: number;
}

export interface Matches {
  readonly found: readonly Match[];
  /** Whether more values lie at the path than were asked for. */
  readonly hasMore: boolean;
  /** Entries that were picked and have nothing at the rest of the path. */
  readonly missing: number;
  /** Entries of the first array or object the path picks several of; `undefined` for a path that picks one value. */
  readonly of: number | undefined;
}

/** The path leads nowhere, and why. */
export interface NoSuchPath {
  readonly problem: string;
}

interface Range {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

const SLICE = /^(-?\d+)?:(-?\d+)?$/;
const INDEX = /^-?\d+$/;
const EVERYTHING: Range = { from: 0, to: Number.POSITIVE_INFINITY };
/** Names a problem tells, so that the next path can be right. */
const MAX_NAMES = 12;

/**
 * Finds values in JSON text without building it. A path is a JSON Pointer (RFC 6901) whose steps into an array may also
 * count from the end (`-1`), be a slice (`10:20`, `:5`, `-3:`) or `*` for all; `*` also picks all values of an object.
 * @param limit Most values that are found.
 */
export function* findValues(bytes: Buffer, path: string, limit: number): Gentle<Matches | NoSuchPath> {
  if (path !== '' && !path.startsWith('/'))
    return { problem: `a path is empty or begins with "/", and this one is "${path.slice(0, 200)}"` };
  const finder = new Finder(bytes, path === '' ? [] : path.slice(1).split('/'), limit);
  const problem = yield* finder.find(finder.scanner.skipSpace(0), 0, '');
  return problem !== undefined && finder.found.length === 0 ? problem : finder;
}

class Finder implements Matches {
  readonly scanner: Scanner;
  readonly found: Match[] = [];
  hasMore = false;
  missing = 0;
  of: number | undefined;
  readonly #steps: readonly string[];
  readonly #limit: number;
  #restedAt = 0;

  constructor(bytes: Buffer, steps: readonly string[], limit: number) {
    this.scanner = new Scanner(bytes);
    this.#steps = steps;
    this.#limit = limit;
  }

  *find(start: number, depth: number, path: string): Gentle<NoSuchPath | undefined> {
    const step = this.#steps[depth];
    if (step === undefined) {
      if (this.found.length < this.#limit) this.found.push({ path, start, end: this.scanner.skipValue(start) });
      else this.hasMore = true;
      return undefined;
    }
    if (!isContainer(this.scanner.bytes[start])) {
      return { problem: `${named(path)} is neither an array nor an object, so there is no "${step.slice(0, 200)}" in it` };
    }
    const walk = new ContainerWalk(this.scanner, start);
    return yield* walk.isObject ? this.#findInObject(walk, depth, path) : this.#findInArray(walk, depth, path);
  }

  *#findInObject(walk: ContainerWalk, depth: number, path: string): Gentle<NoSuchPath | undefined> {
    const name = this.#steps[depth]!.replaceAll('~1', '/').replaceAll('~0', '~');
    const { container } = walk;
    const names: string[] = [];
    while (walk.next()) {
      const { key } = walk;
      if (key === name) return yield* this.find(walk.start, depth + 1, path + toPointerStep(name));
      if (names.length < MAX_NAMES) names.push(JSON.stringify(key.slice(0, 60)));
      yield* this.#pass(walk);
    }
    if (name === '*') return yield* this.#findSeveral(container, EVERYTHING, depth, path);
    const more = walk.index + 1 - names.length;
    const known = names.length === 0 ? 'no members' : `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
    return { problem: `${named(path)} has no "${name.slice(0, 200)}"; it has ${known}` };
  }

  *#findInArray(walk: ContainerWalk, depth: number, path: string): Gentle<NoSuchPath | undefined> {
    const step = this.#steps[depth]!;
    const { container } = walk;
    if (step === '*') return yield* this.#findSeveral(container, EVERYTHING, depth, path);
    const slice = SLICE.exec(step);
    if (slice !== null) {
      const from = Number(slice[1] ?? 0);
      const to = slice[2] === undefined ? Number.POSITIVE_INFINITY : Number(slice[2]);
      return yield* this.#findSeveral(container, yield* this.#fromStart(container, { from, to }), depth, path);
    }
    if (!INDEX.test(step)) {
      return {
        problem: `${named(path)} is an array, and "${step.slice(0, 200)}" is neither an index, nor a slice such as "0:10", nor "*"`,
      };
    }
    const { from: index } = yield* this.#fromStart(container, { from: Number(step), to: 0 });
    while (walk.next()) {
      if (walk.index === index) return yield* this.find(walk.start, depth + 1, `${path}/${index}`);
      yield* this.#pass(walk);
    }
    return { problem: `${named(path)} has ${count(walk.index + 1, 'item')}, so there is no "${step}"` };
  }

  *#findSeveral(start: number, range: Range, depth: number, path: string): Gentle<NoSuchPath | undefined> {
    const walk = new ContainerWalk(this.scanner, start);
    let problem: NoSuchPath | undefined;
    while (walk.next()) {
      if (walk.index >= range.from && walk.index < range.to && !this.hasMore) {
        const inner = yield* this.find(walk.start, depth + 1, `${path}${walk.isObject ? toPointerStep(walk.key) : `/${walk.index}`}`);
        if (inner !== undefined) this.missing++;
        problem ??= inner;
      }
      yield* this.#pass(walk);
    }
    this.of ??= walk.index + 1;
    if (range.from > walk.index)
      return { problem: `${named(path)} has ${count(walk.index + 1, 'item')}, so there are none from ${range.from} on` };
    return problem;
  }

  // Counting from the end takes the number of items first.
  *#fromStart(start: number, { from, to }: Range): Gentle<Range> {
    if (from >= 0 && to >= 0) return { from, to };
    const walk = new ContainerWalk(this.scanner, start);
    while (walk.next()) yield* this.#pass(walk);
    const length = walk.index + 1;
    return { from: from < 0 ? Math.max(0, length + from) : from, to: to < 0 ? length + to : to };
  }

  *#pass(walk: ContainerWalk): Gentle<void> {
    const end = walk.skip();
    if (Math.abs(end - this.#restedAt) < TURN_BYTES) return;
    this.#restedAt = end;
    yield;
  }
}

function named(path: string): string {
  return path === '' ? 'the whole' : `"${path}"`;
}
