import { GatewayError, toMessage } from '@signalbox/core';
import type { Gentle } from './gently.ts';
import { safeEnd } from './json-text.ts';
import type { TextView } from './text-view.ts';

export interface PatternOptions {
  readonly isRegExp: boolean;
  readonly ignoreCase: boolean;
  /** Whether the program has told V8 to end in linear time what backtracks without end. Without that only plain text is looked for. */
  readonly isRegExpLinear: boolean;
}

export interface SearchOptions {
  readonly pattern: RegExp;
  /** Byte to begin at. */
  readonly offset: number;
  readonly maxMatches: number;
  /** Tells whether it is time to stop. */
  readonly isLate: () => boolean;
}

export interface TextMatch {
  /** From 1. */
  readonly line: number;
  /** Byte at which what matches begins. */
  readonly offset: number;
  /** The line, or what stands around the match in a long one. */
  readonly excerpt: string;
}

export interface SearchResult {
  readonly found: readonly TextMatch[];
  /** Where to go on, when the search stopped before the end. */
  readonly nextOffset: number | undefined;
}

const NEWLINE = 0x0a;
/** Lines are looked at one by one, as what is short cannot take long; longer ones in pieces of this size. */
const PIECE_BYTES = 16_384;
/** Pieces overlap by this much, and nothing longer is found across their borders. */
const OVERLAP_BYTES = 1_024;
/** Others get their turn after this much, since a pattern may need much longer for it than a plain text. */
const TURN_BYTES = 32_768;
const MAX_EXCERPT = 300;
const AROUND = 120;

/**
 * Makes a pattern of what a caller looks for.
 * @throws GatewayError `INVALID_PARAMS` for what is no regular expression, or none that can be evaluated in linear time.
 */
export function toPattern(text: string, { isRegExp, ignoreCase, isRegExpLinear }: PatternOptions): RegExp {
  if (!isRegExp) return new RegExp(text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`), ignoreCase ? 'gi' : 'g');
  if (!isRegExpLinear) throw new GatewayError('INVALID_PARAMS', 'Cannot search with a regular expression here: search for plain text');
  if (ignoreCase) throw new GatewayError('INVALID_PARAMS', 'Cannot ignore case in a regular expression: write both, as in [Aa]');
  let pattern: RegExp;
  try {
    pattern = new RegExp(text, 'g');
  } catch (error) {
    throw new GatewayError('INVALID_PARAMS', `Cannot search: ${toMessage(error)}`, { cause: error });
  }
  if (!isLinear(text)) {
    throw new GatewayError(
      'INVALID_PARAMS',
      `Cannot search for "${text}": look-around, back references, "\\p{…}" and counts above 16 cannot be evaluated in linear time`,
    );
  }
  return pattern;
}

/** Looks for a pattern line by line. In a short line the first match counts, in a long one all that are not shown together. */
export function* searchText(view: TextView, options: SearchOptions): Gentle<SearchResult> {
  const { bytes } = view;
  const { maxMatches, isLate } = options;
  const found: TextMatch[] = [];
  let restedAt = options.offset;
  for (let start = options.offset; start < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, start);
    const lineEnd = newline < 0 ? bytes.length : newline;
    const isLong = lineEnd - start > PIECE_BYTES;
    const end = isLong ? safeEnd(bytes, start + PIECE_BYTES) : lineEnd;
    const next = isLong ? safeEnd(bytes, end - OVERLAP_BYTES) : lineEnd + 1;
    for (const match of matchesIn(bytes.toString('utf8', start, end), options.pattern, isLong)) {
      const offset = start + match.before;
      // Where pieces overlap, the second one finds what begins there.
      if (isLong && offset >= next) break;
      if (found.length === maxMatches) return { found, nextOffset: offset };
      found.push({ line: view.lineAt(offset), offset, excerpt: match.excerpt });
    }
    start = next;
    if (start - restedAt < TURN_BYTES) continue;
    restedAt = start;
    if (start < bytes.length && isLate()) return { found, nextOffset: start };
    yield;
  }
  return { found, nextOffset: undefined };
}

function* matchesIn(text: string, pattern: RegExp, isPiece: boolean): Iterable<{ readonly before: number; readonly excerpt: string }> {
  // eslint-disable-next-line no-param-reassign -- it is where the pattern goes on
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const { index } = match;
    const isShort = text.length <= MAX_EXCERPT;
    const from = isShort ? 0 : Math.max(0, index - AROUND);
    const to = isShort ? text.length : Math.min(text.length, index + Math.max(1, Math.min(match[0].length, AROUND)) + AROUND);
    const excerpt = `${from > 0 ? '…' : ''}${wholeCharacters(text, from, to)}${to < text.length ? '…' : ''}`;
    yield { before: Buffer.byteLength(text.slice(0, index)), excerpt };
    if (!isPiece) return;
    // eslint-disable-next-line no-param-reassign -- what has been shown is not shown again
    pattern.lastIndex = Math.max(to, index + 1);
  }
}

// A character outside the basic plane is two units, of which neither goes without the other.
function wholeCharacters(text: string, from: number, to: number): string {
  const start = isLowSurrogate(text.charCodeAt(from)) ? from + 1 : from;
  const end = isLowSurrogate(text.charCodeAt(to)) ? to - 1 : to;
  return text.slice(start, end);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}

const LINEAR = 'gl';

// The flag `l` asks V8 for its linear engine, and is refused for what that cannot run.
function isLinear(text: string): boolean {
  try {
    return new RegExp(text, LINEAR) instanceof RegExp;
  } catch {
    return false;
  }
}
