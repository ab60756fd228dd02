import type { ResultChange } from '@signalbox/core';
import { ObjectReader, ShortValue, type ValueReader } from './object-reader.ts';
import { ValueSkipper } from './skip/value-skipper.ts';
import { readString } from './string-value.ts';

const OPEN_BRACE = 0x7b;
const OBJECT_START = '{"value":';
const OBJECT_END = '}';
const MAX_ID_BYTES = 256;
const MAX_TYPE_BYTES = 256;
/** Members that may stand in any result, so that they do not tell one kind from another. */
const COMMON_MEMBERS: ReadonlySet<string> = new Set(['_meta', 'isError', 'ttlMs', 'cacheScope']);

/** What the beginning of an answer shows. */
export interface AnswerStart {
  /** Where its result begins. */
  readonly resultAt: number;
  /** Its id as it stands in the text, if that comes before the result. */
  readonly id: string | undefined;
  readonly resultType: string | undefined;
  /** The first member of the result that tells what it is; `undefined` when its type tells enough. */
  readonly member: string | undefined;
}

/** Looks at the beginning of a message. @returns `undefined` when more must come before it shows a result, `other` when it never will. */
export function peekAnswer(bytes: Buffer, start: number, end: number): AnswerStart | 'other' | undefined {
  let resultAt = -1;
  let id: ShortValue | undefined;
  let type: ShortValue | undefined;
  let found: AnswerStart | 'other' | undefined;
  const tell = (member: string | undefined) => {
    found ??= { resultAt: resultAt - start, id: id?.text, resultType: readType(type), member };
    return NEVER_ENDING;
  };
  const result = new ObjectReader((name) => {
    if (readType(type) !== undefined) return tell(undefined);
    if (name === 'resultType') return (type = new ShortValue(MAX_TYPE_BYTES));
    return COMMON_MEMBERS.has(name) ? new ValueSkipper() : tell(name);
  });
  const message = new ObjectReader((name) => {
    if (name === 'id') return (id = new ShortValue(MAX_ID_BYTES));
    if (name === 'result') {
      return {
        push: (bytes, from, to) => {
          resultAt = from;
          return result.push(bytes, from, to);
        },
      };
    }
    if (name !== 'error' && name !== 'method') return new ValueSkipper();
    found ??= 'other';
    return NEVER_ENDING;
  });
  try {
    // Whatever ends here is no large result.
    return message.push(bytes, start, end) >= 0 ? 'other' : found;
  } catch {
    return 'other';
  }
}

const NEVER_ENDING: ValueReader = { push: () => -1 };

/** How much longer a change can make a result, in bytes. */
export function addedBytes({ added, objects }: ResultChange): number {
  return (added === '' ? 0 : Buffer.byteLength(added) + 1) + objects.size * (OBJECT_START.length + OBJECT_END.length);
}

/** What a whole answer says beside its result. */
export interface AnswerEnd {
  /** As it stands in the text. */
  readonly id: string | undefined;
  readonly resultType: string;
  readonly isError: boolean;
}

/** Reads an answer from pieces, and hands its result on as it comes. */
export class AnswerReader {
  readonly #onResult: (bytes: Buffer, start: number, end: number) => void;
  readonly #message: ObjectReader;
  #id: ShortValue | undefined;
  #version: ShortValue | undefined;
  #type: ShortValue | undefined;
  #isError: ShortValue | undefined;
  #hasResult = false;
  #isWhole = false;

  /**
   * @param change What to change about the result. Without a change its bytes stay as they are; otherwise white space
   * between its own members is lost.
   * @param onResult Gets the result piece by piece. The bytes are only lent.
   */
  constructor(change: ResultChange, onResult: (bytes: Buffer, start: number, end: number) => void) {
    this.#onResult = onResult;
    const isChanged = change.added !== '' || change.dropped.size > 0 || change.objects.size > 0;
    this.#message = new ObjectReader((name) => {
      if (name === 'result' && !this.#hasResult) {
        this.#hasResult = true;
        return isChanged ? this.#changed(change) : this.#unchanged();
      }
      if (name === 'id') return (this.#id = new ShortValue(MAX_ID_BYTES));
      if (name === 'jsonrpc') return (this.#version = new ShortValue(MAX_ID_BYTES));
      if (name === 'result' || name === 'error' || name === 'method') throw new SyntaxError(`A "${name}" beside a result`);
      return new ValueSkipper();
    });
  }

  /** Reads on. @throws SyntaxError when this is no answer. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = start;
    if (!this.#isWhole) {
      at = this.#message.push(bytes, start, end);
      if (at < 0) return;
      this.#isWhole = true;
    }
    while (at < end && isSpace(bytes[at]!)) at++;
    if (at < end) throw new SyntaxError('Text after the message');
  }

  /** The answer is whole. @throws SyntaxError when it is not. */
  finish(): AnswerEnd {
    if (!this.#isWhole || !this.#hasResult) throw new SyntaxError('The message ends too soon');
    if (this.#version?.text !== '"2.0"') throw new SyntaxError('"jsonrpc" is not "2.0"');
    return { id: this.#id?.text, resultType: readType(this.#type) ?? 'complete', isError: this.#isError?.first === 't' };
  }

  #unchanged(): ValueReader {
    return this.#passingOn(new ObjectReader((name) => this.#valueOf(name)));
  }

  #changed({ added, dropped, objects }: ResultChange): ValueReader {
    let lead = added === '' ? '{' : `{${added},`;
    const left = new Set(objects);
    const object = new ObjectReader((name, key) => {
      const value = this.#valueOf(name);
      if (dropped.has(name)) return value;
      // The length of the whole has been promised for one of each.
      if (objects.has(name) && !left.delete(name)) throw new SyntaxError(`A second "${name}" in a result`);
      this.#write(lead, key, ':');
      lead = ',';
      return objects.has(name) ? this.#asObject(value) : this.#passingOn(value);
    });
    return {
      push: (bytes, start, end) => {
        const stop = object.push(bytes, start, end);
        if (stop >= 0) this.#write(lead === ',' ? '}' : `{${added}}`);
        return stop;
      },
    };
  }

  #passingOn(value: ValueReader): ValueReader {
    return {
      push: (bytes, start, end) => {
        const stop = value.push(bytes, start, end);
        this.#onResult(bytes, start, stop < 0 ? end : stop);
        return stop;
      },
    };
  }

  #asObject(value: ValueReader): ValueReader {
    let isLoose: boolean | undefined;
    const passing = this.#passingOn(value);
    return {
      push: (bytes, start, end) => {
        if (isLoose === undefined) {
          isLoose = bytes[start] !== OPEN_BRACE;
          if (isLoose) this.#write(OBJECT_START);
        }
        const stop = passing.push(bytes, start, end);
        if (stop >= 0 && isLoose) this.#write(OBJECT_END);
        return stop;
      },
    };
  }

  #valueOf(name: string): ValueReader {
    if (name === 'isError') return (this.#isError = new ShortValue(MAX_TYPE_BYTES));
    if (name === 'resultType') return (this.#type = new ShortValue(MAX_TYPE_BYTES));
    return new ValueSkipper();
  }

  #write(...parts: readonly (string | Buffer)[]): void {
    for (const part of parts) {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      this.#onResult(bytes, 0, bytes.length);
    }
  }
}

function readType(value: ShortValue | undefined): string | undefined {
  if (value?.first !== '"') return undefined;
  const { text } = value;
  if (text === undefined) throw new SyntaxError(`A "resultType" of more than ${MAX_TYPE_BYTES} bytes`);
  const bytes = Buffer.from(text, 'latin1');
  return readString(bytes, 0, bytes.length);
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
