import { TURN_BYTES, type Gentle } from './gently.ts';
import { writeLines } from './json-lines.ts';
import { safeEnd } from './json-text.ts';
import type { ResultPart } from './split-result.ts';

const NEWLINE = 0x0a;
/** Line ends are counted in steps of this size, so that the number of a line is found without counting from the beginning. */
const STEP_BYTES = 65_536;
/** JSON with a line end among its first so many bytes is written in lines already. */
const HAS_LINES_WITHIN = 4_096;

/** A part as text that is read by bytes and lines: the text itself, or JSON with one small value a line. */
export interface TextView {
  readonly bytes: Buffer;
  readonly lines: number;
  /** Bytes it takes beside the part it shows. */
  readonly ownBytes: number;
  /** Number of the line that the byte belongs to, from 1. */
  lineAt(offset: number): number;
}

/** Makes the form in which a part is read. */
export function* createView(part: ResultPart): Gentle<TextView> {
  const bytes = part.sketch === undefined || hasLines(part) ? part.bytes : yield* writeLines(part.bytes);
  const steps = yield* countSteps(bytes);
  const lineAt = (offset: number): number => {
    const step = Math.min(Math.floor(offset / STEP_BYTES), steps.length - 1);
    return steps[step]! + countLines(bytes, step * STEP_BYTES, offset) + 1;
  };
  // What stands behind the last line end is a line unless it is nothing.
  const ends = countLines(bytes, (steps.length - 1) * STEP_BYTES, bytes.length) + steps.at(-1)!;
  const lines = bytes.length === 0 || bytes.at(-1) === NEWLINE ? ends : ends + 1;
  return { bytes, lines, ownBytes: (bytes === part.bytes ? 0 : bytes.length) + 8 * steps.length, lineAt };
}

/**
 * Where a page ends that begins at `offset` and is about `length` bytes long: at a line end if one is in its second half,
 * and never within a character.
 */
export function endOfPage(bytes: Buffer, offset: number, length: number): number {
  const wanted = offset + length;
  if (wanted >= bytes.length) return bytes.length;
  const newline = bytes.lastIndexOf(NEWLINE, wanted - 1);
  if (newline >= offset + length / 2) return newline + 1;
  const end = safeEnd(bytes, wanted);
  // A page of less than one character would never get on.
  return end > offset ? end : nextCharacter(bytes, offset);
}

function nextCharacter(bytes: Buffer, offset: number): number {
  let position = offset + 1;
  while (position < bytes.length && (bytes[position]! & 0xc0) === 0x80) position++;
  return position;
}

function hasLines({ bytes, kind }: ResultPart): boolean {
  return kind === 'text' && bytes.subarray(0, HAS_LINES_WITHIN).includes(NEWLINE);
}

// Line ends before each step.
function* countSteps(bytes: Buffer): Gentle<readonly number[]> {
  const steps = [0];
  for (let start = 0, restedAt = 0; start + STEP_BYTES < bytes.length; start += STEP_BYTES) {
    steps.push(steps.at(-1)! + countLines(bytes, start, start + STEP_BYTES));
    if (start - restedAt < 8 * TURN_BYTES) continue;
    restedAt = start;
    yield;
  }
  return steps;
}

function countLines(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE, start); at >= 0 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) count++;
  return count;
}
