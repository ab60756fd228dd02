import { GatewayError } from '@signalbox/core';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Splits a byte stream into lines, the framing of MCP over stdio. A line may arrive in any number of pieces. */
export class LineDecoder {
  readonly #maxBytes: number;
  readonly #onLine: (line: Buffer) => void;
  #pieces: Buffer[] = [];
  #length = 0;

  /** @param options.onLine Gets each line without its end; empty lines are passed over. The bytes may be kept. */
  constructor(options: { readonly maxBytes: number; readonly onLine: (line: Buffer) => void }) {
    this.#maxBytes = options.maxBytes;
    this.#onLine = options.onLine;
  }

  /** @throws GatewayError `TOO_LARGE` when a line exceeds the bound; the decoder is of no use afterwards. */
  push(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#take(chunk.subarray(start, end));
      this.#flush();
      start = end + 1;
    }
    if (start < chunk.length) this.#take(chunk.subarray(start));
  }

  #take(piece: Buffer): void {
    this.#length += piece.length;
    if (this.#length > this.#maxBytes) {
      this.#pieces = [];
      throw new GatewayError('TOO_LARGE', `Cannot read a line of more than ${this.#maxBytes} bytes`, {
        data: { maxBytes: this.#maxBytes },
      });
    }
    this.#pieces.push(piece);
  }

  #flush(): void {
    const line = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#length);
    this.#pieces = [];
    this.#length = 0;
    const end = line[line.length - 1] === RETURN ? line.length - 1 : line.length;
    if (end > 0) this.#onLine(end === line.length ? line : line.subarray(0, end));
  }
}

/** Puts spaces in the place of line ends in JSON text, which can only stand between tokens there. Changes the bytes given. */
export function removeLineEnds(json: Buffer): Buffer {
  for (const lineEnd of [NEWLINE, RETURN])
    for (let at = json.indexOf(lineEnd); at >= 0; at = json.indexOf(lineEnd, at + 1)) json[at] = 0x20;
  return json;
}
