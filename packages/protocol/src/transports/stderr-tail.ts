const MAX_LINES = 100;
const MAX_LINE_BYTES = 2_048;

/** Keeps the last 100 lines of a text stream, at most 2 KiB of each. Its cost does not grow with what is thrown away. */
export class StderrTail {
  readonly #maxLines: number;
  readonly #lines: string[] = [];
  readonly #onLine: ((line: string) => void) | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(options: { readonly maxLines?: number; readonly onLine?: (line: string) => void } = {}) {
    this.#maxLines = options.maxLines ?? MAX_LINES;
    this.#onLine = options.onLine;
  }

  /** Oldest first, with what has been written of the line that has not ended yet. */
  get lines(): readonly string[] {
    return this.#rest.length === 0 ? [...this.#lines] : [...this.#lines, toLine(this.#rest)];
  }

  push(chunk: Buffer): void {
    const last = chunk.lastIndexOf(0x0a);
    if (last < 0) {
      if (this.#rest.length < MAX_LINE_BYTES) this.#rest = Buffer.concat([this.#rest, chunk.subarray(0, MAX_LINE_BYTES)]);
      return;
    }
    // From the end: of a chunk with more lines than are kept, only those that stay are looked at.
    const ends = [last];
    while (ends.length <= this.#maxLines) {
      const first = ends.at(-1) ?? 0;
      // A negative offset would count from the end.
      const end = first === 0 ? -1 : chunk.lastIndexOf(0x0a, first - 1);
      if (end < 0) break;
      ends.push(end);
    }
    ends.reverse();
    const isWhole = ends.length <= this.#maxLines;
    if (isWhole) this.#add(Buffer.concat([this.#rest, chunk.subarray(0, Math.min(ends[0]!, MAX_LINE_BYTES))]));
    for (let index = 1; index < ends.length; index++) this.#add(chunk.subarray(ends[index - 1]! + 1, ends[index]));
    this.#rest = Buffer.from(chunk.subarray(last + 1, last + 1 + MAX_LINE_BYTES));
  }

  #add(bytes: Buffer): void {
    const line = toLine(bytes);
    if (line === '') return;
    this.#lines.push(line);
    if (this.#lines.length > this.#maxLines) this.#lines.shift();
    this.#onLine?.(line);
  }
}

function toLine(bytes: Buffer): string {
  return bytes.toString('utf8', 0, Math.min(bytes.length, MAX_LINE_BYTES)).trimEnd();
}
