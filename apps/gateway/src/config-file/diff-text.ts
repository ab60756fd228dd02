export interface DiffOptions {
  /** Unchanged lines shown around a change. Default 3. */
  readonly context?: number;
  /** Longer lines are cut. Default: none is. */
  readonly maxColumns?: number;
}

interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

// A table of more cells than this costs more than the shortest diff is worth: everything between is shown as replaced.
const MAX_CELLS = 4_000_000;

/** What changed from one text to another, as the hunks of a unified diff; empty when nothing did. A missing last line end is not shown. */
export function diffText(before: string, after: string, { context = 3, maxColumns = Infinity }: DiffOptions = {}): string {
  const lines = compareLines(linesOf(before), linesOf(after));
  const isShown = lines.map((_, index) => lines.slice(Math.max(0, index - context), index + context + 1).some(({ sign }) => sign !== ' '));
  let output = '';
  let [oldLine, newLine] = [1, 1];
  for (let index = 0; index < lines.length;) {
    let end = index + 1;
    while (end < lines.length && isShown[end] === isShown[index]) end++;
    const part = lines.slice(index, end);
    const oldCount = part.filter(({ sign }) => sign !== '+').length;
    const newCount = part.filter(({ sign }) => sign !== '-').length;
    if (isShown[index] === true) {
      // An empty side is numbered by the line before it.
      output += `@@ -${oldCount === 0 ? oldLine - 1 : oldLine},${oldCount} +${newCount === 0 ? newLine - 1 : newLine},${newCount} @@\n`;
      for (const { sign, text } of part) output += `${sign}${text.length > maxColumns ? `${text.slice(0, maxColumns)}…` : text}\n`;
    }
    oldLine += oldCount;
    newLine += newCount;
    index = end;
  }
  return output;
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function compareLines(left: readonly string[], right: readonly string[]): Line[] {
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start++;
  let end = 0;
  const most = Math.min(left.length, right.length) - start;
  while (end < most && left[left.length - 1 - end] === right[right.length - 1 - end]) end++;
  const kept = (text: string): Line => ({ sign: ' ', text });
  const changed = longestCommon(left.slice(start, left.length - end), right.slice(start, right.length - end));
  return [...left.slice(0, start).map(kept), ...changed, ...left.slice(left.length - end).map(kept)];
}

function longestCommon(left: readonly string[], right: readonly string[]): Line[] {
  const width = right.length + 1;
  const isTooLarge = (left.length + 1) * width > MAX_CELLS;
  // Cell [row, column] holds how many lines the rests of both sides have in common, in order.
  const common = new Uint32Array(isTooLarge ? 0 : (left.length + 1) * width);
  for (let row = isTooLarge ? -1 : left.length - 1; row >= 0; row--) {
    for (let column = right.length - 1; column >= 0; column--) {
      const cell = row * width + column;
      common[cell] = left[row] === right[column] ? common[cell + width + 1]! + 1 : Math.max(common[cell + width]!, common[cell + 1]!);
    }
  }
  const lines: Line[] = [];
  let [row, column] = [0, 0];
  while (row < left.length || column < right.length) {
    const cell = row * width + column;
    if (!isTooLarge && row < left.length && left[row] === right[column]) {
      lines.push({ sign: ' ', text: left[row++]! });
      column++;
    } else if (row < left.length && (column === right.length || isTooLarge || common[cell + width]! >= common[cell + 1]!)) {
      lines.push({ sign: '-', text: left[row++]! });
    } else {
      lines.push({ sign: '+', text: right[column++]! });
    }
  }
  return lines;
}
