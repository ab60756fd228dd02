import { TURN_BYTES, type Gentle } from './gently.ts';

const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * The UTF-8 text that a JSON string stands for, made piece by piece, so that a large one holds nobody up.
 * @param range Where the string lies in `bytes`, quotes included. @throws SyntaxError for a bad escape.
 */
export function* decodeString(bytes: Buffer, { start, end }: Range): Gentle<Buffer> {
  const token = bytes.subarray(start + 1, end - 1);
  if (!token.includes(BACKSLASH)) return Buffer.from(token);
  const pieces: Buffer[] = [];
  for (let from = 0; from < token.length;) {
    const to = findCut(token, from);
    pieces.push(Buffer.from(JSON.parse(`"${token.toString('utf8', from, to)}"`) as string));
    from = to;
    if (from < token.length) yield;
  }
  return Buffer.concat(pieces);
}

// One character as JSON writes it: a pair of surrogates, another escape, or itself.
const CHARACTER = /\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\[^u]|[^\\]/uy;
/** A character is written with at most twelve bytes for four, or six for one. */
const MAX_GROWTH = 6;

/** The beginning of the text a JSON string stands for: whole characters, about `maxBytes` bytes of them. */
export function decodeHead(bytes: Buffer, { start, end }: Range, maxBytes: number): string {
  const written = bytes.toString('utf8', start + 1, safeEnd(bytes, Math.min(end - 1, start + 1 + MAX_GROWTH * maxBytes)));
  let text = '';
  let length = 0;
  CHARACTER.lastIndex = 0;
  for (let match = CHARACTER.exec(written); match !== null; match = CHARACTER.exec(written)) {
    const character = match[0].startsWith('\\') ? (JSON.parse(`"${match[0]}"`) as string) : match[0];
    length += Buffer.byteLength(character);
    if (length > maxBytes) break;
    text += character;
  }
  return text;
}

/** The last place at or before `end` where no UTF-8 sequence is cut. */
export function safeEnd(bytes: Buffer, end: number): number {
  if (end >= bytes.length) return bytes.length;
  let position = Math.max(0, end);
  while (position > 0 && (bytes[position]! & 0xc0) === 0x80) position--;
  return position;
}

/** The first place at or after `start` where no UTF-8 sequence is cut. */
export function safeStart(bytes: Buffer, start: number): number {
  let position = Math.max(0, start);
  while (position < bytes.length && (bytes[position]! & 0xc0) === 0x80) position++;
  return position;
}

// A place about one turn further on where neither an escape nor a pair of them nor a UTF-8 sequence is cut. `from` is one.
function findCut(token: Buffer, from: number): number {
  const wanted = from + TURN_BYTES;
  for (let position = from; position < wanted;) {
    const slash = token.indexOf(BACKSLASH, position);
    if (slash < 0 || slash >= wanted) return safeEnd(token, wanted);
    position = slash + (token[slash + 1] === LETTER_U ? 6 : 2);
    if (isHighSurrogate(token, slash) && token[position] === BACKSLASH && token[position + 1] === LETTER_U) position += 6;
    if (position >= wanted) return Math.min(position, token.length);
  }
  return token.length;
}

function isHighSurrogate(token: Buffer, slash: number): boolean {
  return token[slash + 1] === LETTER_U && /^[dD][89abAB]/.test(token.toString('latin1', slash + 2, slash + 4));
}
