import { RawJson } from '@signalbox/core';

/**
 * The params of a message that was read whole: names and values are known already, bytes are cut out where they are asked
 * for, and whoever passes all of them on unchanged can have them in one piece.
 */
export class MessageParams implements ReadonlyMap<string, RawJson> {
  readonly #bytes: Buffer;
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #names: readonly string[];
  readonly #places: readonly number[];
  readonly #raws: (RawJson | undefined)[];
  readonly #start: number;
  readonly #end: number;

  /**
   * @param bytes The message.
   * @param place Where the object of the params stands in it.
   * @param value The same, parsed. Its members stand in the order of the text.
   * @param places Where the values of its members begin and end, in turn and in that order.
   */
  constructor(
    bytes: Buffer,
    place: { readonly start: number; readonly end: number },
    value: Readonly<Record<string, unknown>>,
    places: readonly number[],
  ) {
    this.#bytes = bytes;
    this.#value = value;
    this.#names = Object.keys(value);
    this.#places = places;
    this.#raws = [];
    this.#start = place.start;
    this.#end = place.end;
  }

  /** Whether names and places belong together: JavaScript puts names that are numbers in front of all others. */
  get isInOrder(): boolean {
    return !this.#names.some(isNumeric);
  }

  /** The object as it was written. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  get size(): number {
    return this.#names.length;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  get(name: string): RawJson | undefined {
    const index = this.#names.indexOf(name);
    return index < 0 ? undefined : this.#at(index);
  }

  forEach(callback: (value: RawJson, name: string, map: ReadonlyMap<string, RawJson>) => void): void {
    for (const [name, value] of this.entries()) callback(value, name, this);
  }

  *entries(): MapIterator<[string, RawJson]> {
    for (let index = 0; index < this.#names.length; index++) yield [this.#names[index]!, this.#at(index)];
  }

  keys(): MapIterator<string> {
    return this.#names.values();
  }

  *values(): MapIterator<RawJson> {
    for (let index = 0; index < this.#names.length; index++) yield this.#at(index);
  }

  [Symbol.iterator](): MapIterator<[string, RawJson]> {
    return this.entries();
  }

  #at(index: number): RawJson {
    const bytes = this.#bytes;
    const places = this.#places;
    return (this.#raws[index] ??= RawJson.fromParsed(
      bytes.subarray(places[2 * index], places[2 * index + 1]),
      this.#value[this.#names[index]!],
    ));
  }
}

/** Tells whether a name may be one of those that JavaScript puts in front of all others. */
export function isNumeric(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}
