import { count } from './outline.ts';
import { safeEnd, safeStart } from './json-text.ts';

const NEWLINE = 0x0a;
/** The beginning says more than the end. */
const HEAD_SHARE = 2 / 3;

/**
 * The beginning and the end of a text, whole lines where they fit, with a mark between that says what is left out.
 * @param maxBytes Most bytes of the text that are shown.
 */
export function previewText(text: Buffer, maxBytes: number): string {
  if (text.length <= maxBytes) return text.toString();
  const headEnd = endOfHead(text, Math.floor(maxBytes * HEAD_SHARE));
  const tailStart = startOfTail(text, maxBytes - headEnd);
  const left = `[… ${count(tailStart - headEnd, 'byte')} not shown, from byte ${headEnd} on …]`;
  // A line that is cut says so itself.
  const head = `${text.toString('utf8', 0, headEnd)}${text[headEnd - 1] === NEWLINE ? '' : '…\n'}`;
  const tail = `${text[tailStart - 1] === NEWLINE ? '' : '…'}${text.toString('utf8', tailStart)}`;
  return `${head}${left}\n${tail}`;
}

// Back to the last line end, unless that would give up more than half.
function endOfHead(text: Buffer, wanted: number): number {
  const newline = text.lastIndexOf(NEWLINE, wanted - 1);
  return newline >= wanted / 2 ? newline + 1 : safeEnd(text, wanted);
}

function startOfTail(text: Buffer, room: number): number {
  const wanted = text.length - room;
  const newline = text.indexOf(NEWLINE, wanted);
  return newline >= 0 && newline + 1 <= text.length - room / 2 ? newline + 1 : safeStart(text, wanted);
}
