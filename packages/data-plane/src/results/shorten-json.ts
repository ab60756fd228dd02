import type { Awaitable } from '@signalbox/core';
import { decodeHead } from './json-text.ts';
import type { Sketch } from './sketch.ts';

/** One place where a value was shortened, as a JSON Pointer. */
export interface Shortening {
  readonly path: string;
  readonly kept: number;
  readonly of: number;
  readonly unit: 'items' | 'bytes';
}

export interface ShortenedJson {
  /** JSON. What is left of the value stands in it as it was written. */
  readonly text: string;
  readonly shortenings: readonly Shortening[];
}

export interface ShortenOptions {
  /** Most bytes of the shortened value. */
  readonly maxBytes: number;
  /** Tells whether a shortened value is one that may stand in the place of the whole. */
  readonly isValid: (candidate: ShortenedJson) => Awaitable<boolean>;
}

interface Limits {
  readonly items: number;
  /** Bytes of a text. */
  readonly text: number;
}

/** From generous to scant. Texts are shortened as well where they may be, and left whole where a schema is strict about them. */
const LIMITS: readonly Limits[] = [20, 10, 5, 3, 2, 1, 0].flatMap((items) => [
  { items, text: items >= 5 ? 500 : 120 },
  { items, text: Number.POSITIVE_INFINITY },
]);

/** The most generous shortened form of a value that is small enough and valid, or `undefined` when there is none. */
export async function shortenJson(bytes: Buffer, sketch: Sketch, options: ShortenOptions): Promise<ShortenedJson | undefined> {
  for (const limits of LIMITS) {
    const candidate = new Shortener(bytes, limits, options.maxBytes).shorten(sketch);
    if (candidate !== undefined && candidate.shortenings.length > 0 && (await options.isValid(candidate))) return candidate;
  }
  return undefined;
}

/** A name as a step of a JSON Pointer, with the two escapes of RFC 6901. */
export function toPointerStep(key: string): string {
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

class Shortener {
  readonly #bytes: Buffer;
  readonly #limits: Limits;
  readonly #shortenings: Shortening[] = [];
  /** Bytes that may still be written. Below zero the attempt has failed. */
  #left: number;

  constructor(bytes: Buffer, limits: Limits, maxBytes: number) {
    this.#bytes = bytes;
    this.#limits = limits;
    this.#left = maxBytes;
  }

  shorten(sketch: Sketch): ShortenedJson | undefined {
    const text = this.#write(sketch, '');
    return this.#left < 0 ? undefined : { text, shortenings: this.#shortenings };
  }

  #write(sketch: Sketch, path: string): string {
    if (this.#left < 0) return '';
    switch (sketch.kind) {
      case 'literal':
        return this.#whole(sketch);
      case 'string':
        return sketch.end - sketch.start - 2 <= this.#limits.text ? this.#whole(sketch) : this.#head(sketch, path);
      case 'array': {
        const kept = sketch.items.slice(0, this.#limits.items);
        if (kept.length < sketch.count) this.#shortenings.push({ path, kept: kept.length, of: sketch.count, unit: 'items' });
        this.#left -= 2 + kept.length;
        return `[${kept.map((item, index) => this.#write(item, `${path}/${index}`)).join(',')}]`;
      }
      case 'object': {
        // Whoever reads an object by its schema would take a member that is left out for one that is not there.
        if (sketch.members.length < sketch.count) this.#left = -1;
        this.#left -= 2;
        const members = sketch.members.map(([key, value]) => {
          const name = JSON.stringify(key);
          this.#left -= Buffer.byteLength(name) + 2;
          return `${name}:${this.#write(value, path + toPointerStep(key))}`;
        });
        return `{${members.join(',')}}`;
      }
    }
  }

  #head(sketch: Sketch, path: string): string {
    const head = `${decodeHead(this.#bytes, sketch, this.#limits.text)}…`;
    this.#shortenings.push({ path, kept: Buffer.byteLength(head), of: sketch.end - sketch.start - 2, unit: 'bytes' });
    const text = JSON.stringify(head);
    this.#left -= Buffer.byteLength(text);
    return text;
  }

  #whole({ start, end }: Sketch): string {
    this.#left -= end - start;
    return this.#left < 0 ? '' : this.#bytes.toString('utf8', start, end);
  }
}
