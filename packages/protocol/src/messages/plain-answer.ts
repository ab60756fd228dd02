import { RawJson, type ResultOutcome } from '@signalbox/core';
import { MODERN_MEMBERS } from '../revisions/revisions.ts';
import { ValueSkipper } from './skip/value-skipper.ts';

const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_T = 0x74;

const JSONRPC = Buffer.from('"jsonrpc"');
const VERSION = Buffer.from('"2.0"');
const ID = Buffer.from('"id"');
const RESULT = Buffer.from('"result"');
const IS_ERROR = Buffer.from('"isError"');
const RESULT_TYPE = Buffer.from('"resultType"');
const STRUCTURED_CONTENT = Buffer.from('"structuredContent"');
const MODERN_KEYS = [...MODERN_MEMBERS].map((name) => Buffer.from(JSON.stringify(name)));
const MAX_ID_DIGITS = 15;

/** An answer with a result, whose id is a whole number. */
export interface PlainAnswer {
  readonly kind: 'response';
  readonly id: RawJson;
  /** Without the revision, which only the connection knows. */
  readonly outcome: Omit<ResultOutcome, 'revision'>;
}

// It forgets each value before the next.
const skipper = new ValueSkipper();

/**
 * Reads an answer of the kind that nearly all are: an id of ours, a result that is an object, nothing else, names without
 * escapes, no white space but single spaces. It builds no text and looks at each byte once.
 * @returns `undefined` for anything else, also for what is no message; whether it is one is for a slower reader to say.
 */
export function readPlainAnswer(bytes: Buffer): PlainAnswer | undefined {
  if (bytes[0] !== OPEN_BRACE) return undefined;
  let id: RawJson | undefined;
  let hasVersion = false;
  let found: PlainResult | undefined;
  let at = 1;
  for (;;) {
    const start = at;
    if (startsWith(bytes, start, ID) && id === undefined) {
      const from = valueAfter(bytes, start + ID.length);
      at = endOfDigits(bytes, from);
      if (at === from || at - from > MAX_ID_DIGITS) return undefined;
      id = RawJson.fromBytes(bytes.subarray(from, at));
    } else if (startsWith(bytes, start, JSONRPC)) {
      const from = valueAfter(bytes, start + JSONRPC.length);
      if (!startsWith(bytes, from, VERSION)) return undefined;
      hasVersion = true;
      at = from + VERSION.length;
    } else if (startsWith(bytes, start, RESULT) && found === undefined) {
      found = readResult(bytes, valueAfter(bytes, start + RESULT.length));
      if (found === undefined) return undefined;
      at = found.end;
    } else return undefined;
    if (bytes[at] !== COMMA) break;
    at = skipOneSpace(bytes, at + 1);
  }
  if (bytes[at] !== CLOSE_BRACE || at + 1 !== bytes.length || !hasVersion || id === undefined || found === undefined) return undefined;
  const { start, end, isError, resultType, modernMembers, hasLooseContent } = found;
  const result = RawJson.fromBytes(bytes.subarray(start, end));
  return { kind: 'response', id, outcome: { kind: 'result', result, isError, resultType, modernMembers, hasLooseContent } };
}

interface PlainResult {
  readonly start: number;
  readonly end: number;
  readonly isError: boolean;
  readonly resultType: string;
  readonly modernMembers: readonly number[];
  readonly hasLooseContent: boolean;
}

function readResult(bytes: Buffer, start: number): PlainResult | undefined {
  if (bytes[start] !== OPEN_BRACE || bytes[start + 1] !== QUOTE) return undefined;
  let isError = false;
  let resultType = 'complete';
  const modernMembers: number[] = [];
  let hasLooseContent = false;
  let at = start + 1;
  for (;;) {
    const keyStart = at;
    if (bytes[keyStart] !== QUOTE) return undefined;
    const keyEnd = endOfKey(bytes, keyStart + 1);
    if (keyEnd < 0) return undefined;
    const from = valueAfter(bytes, keyEnd);
    if (from < 0) return undefined;
    skipper.reset();
    at = skipper.push(bytes, from, bytes.length);
    if (at <= from) return undefined;
    if (startsWith(bytes, keyStart, IS_ERROR)) isError = bytes[from] === LETTER_T;
    else if (startsWith(bytes, keyStart, STRUCTURED_CONTENT)) hasLooseContent = bytes[from] !== OPEN_BRACE;
    else if (isModernKey(bytes, keyStart)) {
      modernMembers.push(keyStart - start, at - start);
      if (startsWith(bytes, keyStart, RESULT_TYPE))
        resultType = bytes[from] === QUOTE ? bytes.toString('utf8', from + 1, at - 1) : 'complete';
      if (resultType.includes('\\')) return undefined;
    }
    if (bytes[at] === CLOSE_BRACE) return { start, end: at + 1, isError, resultType, modernMembers, hasLooseContent };
    if (bytes[at] !== COMMA) return undefined;
    at = skipOneSpace(bytes, at + 1);
  }
}

function isModernKey(bytes: Buffer, at: number): boolean {
  for (const key of MODERN_KEYS) if (startsWith(bytes, at, key)) return true;
  return false;
}

function startsWith(bytes: Buffer, at: number, text: Buffer): boolean {
  for (let index = 0; index < text.length; index++) if (bytes[at + index] !== text[index]) return false;
  return true;
}

// Where the value begins whose name ends before `at`, or -1, which no value begins at, when there is no colon.
function valueAfter(bytes: Buffer, at: number): number {
  return bytes[at] === COLON ? skipOneSpace(bytes, at + 1) : -1;
}

function skipOneSpace(bytes: Buffer, at: number): number {
  return bytes[at] === SPACE ? at + 1 : at;
}

// Index behind the closing quote, or -1 when the name has escapes or no end.
function endOfKey(bytes: Buffer, start: number): number {
  for (let at = start; ; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at + 1;
    if (byte === undefined || byte === BACKSLASH) return -1;
  }
}

function endOfDigits(bytes: Buffer, start: number): number {
  let at = start;
  while (bytes[at]! >= 0x30 && bytes[at]! <= 0x39) at++;
  return at;
}
