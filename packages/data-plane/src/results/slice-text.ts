import type { Gentle } from './gently.ts';
import type { Match, Matches } from './json-path.ts';
import { count, describeShape, outlineJson } from './outline.ts';
import { sketchJson } from './sketch.ts';

/** Most bytes of an answer. */
const MAX_BYTES = 65_536;
/** A value that is one of several and larger than this is given in outline. */
const MAX_VALUE_BYTES = 8_192;
const OUTLINE_BYTES = 2_048;

/** Writes what a path has found: one value whole, several one a line, and what is too large in outline. Says what is left out. */
export function* writeSlice(bytes: Buffer, path: string, matches: Matches): Gentle<string> {
  const { found, of } = matches;
  return of === undefined ? yield* writeOne(bytes, path, found[0]!) : yield* writeSeveral(bytes, path, matches, of);
}

function* writeOne(bytes: Buffer, path: string, { start, end }: Match): Gentle<string> {
  if (end - start <= MAX_BYTES) return bytes.toString('utf8', start, end);
  const value = bytes.subarray(start, end);
  const sketch = yield* sketchJson(value);
  const what = `"${path}" is ${describeShape(sketch)}, ${count(value.length, 'byte')}, too large to be given at once. In outline:`;
  return `${what}\n${outlineJson(value, sketch, MAX_BYTES / 4)}`;
}

function* writeSeveral(bytes: Buffer, path: string, { found, hasMore, missing }: Matches, of: number): Gentle<string> {
  const lines: string[] = [];
  let left = MAX_BYTES;
  for (const { path: at, start, end } of found) {
    const value = bytes.subarray(start, end);
    const text = value.length <= MAX_VALUE_BYTES ? oneLine(value) : outlineJson(value, yield* sketchJson(value), OUTLINE_BYTES);
    // Where entries are missing, the order alone does not tell which one a value is of.
    const line = missing > 0 ? `${at}\t${text}` : text;
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    lines.push(line);
  }
  const isCut = hasMore || lines.length < found.length;
  const last = found[lines.length - 1]!.path;
  const head = [
    `${count(lines.length, 'value')} at "${path}", picked from ${count(of, 'entry', 'entries')}`,
    ...(isCut ? [`there are more behind "${last}": go on with a slice that begins there`] : []),
    ...(missing > 0 ? [`${missing} of the entries have nothing there`] : []),
  ];
  return `${head.join('; ')}\n${lines.join('\n')}`;
}

function oneLine(value: Buffer): string {
  return value.toString().replaceAll(/\s*[\r\n]\s*/g, ' ');
}
