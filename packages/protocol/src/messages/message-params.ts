import { RawJson } from '@signalbox/core';

const COMMA = 0x2c;

/** An object in the bytes of a message, with what is known of it. */
export interface ObjectText {
  readonly bytes: Buffer;
  /** Where it begins and ends. */
  readonly start: number;
  readonly end: number;
  /** The same, parsed. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Names of its members in the order of the text. */
  readonly names: readonly string[];
  /** Where the values of its members begin and end, in turn and in that order. */
  readonly places: readonly number[];
}

interface Member {
  readonly name: string;
  /** Which member of the text it is, -1 for one that was added. */
  readonly origin: number;
  /** Given in place of what stands in the text. */
  readonly given: RawJson | undefined;
}

/**
 * The params of a message that was read whole. Names and values are known already and bytes are cut out where they are
 * asked for. Whoever passes them on, changed or not, copies the text in runs instead of writing it member by member.
 */
export class MessageParams implements ReadonlyMap<string, RawJson> {
  readonly #text: ObjectText;
  // Absent while they are those of the text.
  readonly #members: readonly Member[] | undefined;
  readonly #names: readonly string[];
  readonly #raws: (RawJson | undefined)[] = [];

  constructor(text: ObjectText, members?: readonly Member[]) {
    this.#text = text;
    this.#members = members;
    this.#names = members === undefined ? text.names : members.map(({ name }) => name);
  }

  get size(): number {
    return this.#names.length;
  }

  get byteLength(): number {
    return this.#text.end - this.#text.start;
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

  /** A copy with some members replaced or added; `undefined` removes one. Order is kept, new ones come last. */
  with(changes: Readonly<Record<string, RawJson | undefined>>): MessageParams {
    const members: Member[] = [];
    for (const member of this.#members ?? this.#text.names.map(toMember)) {
      const { name, origin } = member;
      if (!Object.hasOwn(changes, name)) members.push(member);
      else if (changes[name] !== undefined) members.push({ name, origin, given: changes[name] });
    }
    for (const name of Object.keys(changes)) {
      const given = changes[name];
      if (given !== undefined && !this.has(name)) members.push({ name, origin: -1, given });
    }
    return new MessageParams(this.#text, members);
  }

  /** The object as JSON text, in pieces. */
  get pieces(): readonly Buffer[] {
    const { bytes, start, end, names, places } = this.#text;
    const members = this.#members;
    if (members === undefined) return [bytes.subarray(start, end)];
    const pieces: Buffer[] = [];
    // Where the text goes on that has been neither taken nor cut out yet.
    let cursor = start;
    let next = 0;
    for (let index = 0; index < names.length; index++) {
      const valueEnd = places[2 * index + 1]!;
      const member = members[next];
      if (member?.origin === index) {
        next++;
        if (member.given === undefined) continue;
        pieces.push(bytes.subarray(cursor, places[2 * index]), member.given.bytes);
        cursor = valueEnd;
      } else if (next > 0) {
        // It goes together with the comma in front of it, or with the one behind it while no member has been kept.
        const before = places[2 * index - 1]!;
        if (before > cursor) pieces.push(bytes.subarray(cursor, before));
        cursor = valueEnd;
      } else {
        if (cursor === start) pieces.push(bytes.subarray(start, start + 1));
        cursor = behindComma(bytes, valueEnd);
      }
    }
    pieces.push(bytes.subarray(cursor, end - 1));
    for (let separator = next > 0 ? ',' : ''; next < members.length; next++, separator = ',') {
      const { name, given } = members[next]!;
      pieces.push(Buffer.from(`${separator}${JSON.stringify(name)}:`), given!.bytes);
    }
    pieces.push(bytes.subarray(end - 1, end));
    return pieces;
  }

  #at(index: number): RawJson {
    return (this.#raws[index] ??= this.#members?.[index]!.given ?? this.#cut(this.#members?.[index]!.origin ?? index));
  }

  #cut(index: number): RawJson {
    const { bytes, value, names, places } = this.#text;
    return RawJson.fromParsed(bytes.subarray(places[2 * index], places[2 * index + 1]), value[names[index]!]);
  }
}

/**
 * Tells whether a name may be one of those that JavaScript puts in front of all others. Where there is none, the names of a
 * parsed object are in the order of its text.
 */
export function isNumeric(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}

function toMember(name: string, origin: number): Member {
  return { name, origin, given: undefined };
}

// Behind a value of an object stands a comma or a brace, and white space perhaps.
function behindComma(bytes: Buffer, valueEnd: number): number {
  let at = valueEnd;
  while (bytes[at]! <= 0x20) at++;
  return bytes[at] === COMMA ? at + 1 : at;
}
