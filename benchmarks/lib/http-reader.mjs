const HEAD_END = Buffer.from('\r\n\r\n');

/**
 * Cuts a byte stream into HTTP/1.1 messages, requests or answers alike. Knows `Content-Length` and chunked bodies and
 * nothing else: it measures others and must itself cost next to nothing.
 */
export class HttpReader {
  #onMessage;
  #pending = [];
  #pendingBytes = 0;
  #message;
  #bodyBytes = 0;
  #isChunked = false;
  #chunks = [];

  /** @param {(message: HttpMessage) => void} onMessage called for each complete message. */
  constructor(onMessage) {
    this.#onMessage = onMessage;
  }

  push(bytes) {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    while (this.#pendingBytes > 0 && this.#step()) continue;
  }

  /** @returns whether another message may be complete already. */
  #step() {
    if (this.#message === undefined) {
      const all = this.#join();
      const end = all.indexOf(HEAD_END);
      if (end < 0) return false;
      this.#message = new HttpMessage(all.latin1Slice(0, end));
      this.#keep(all.subarray(end + 4));
      this.#isChunked = this.#message.header('transfer-encoding')?.toLowerCase() === 'chunked';
      this.#bodyBytes = Number(this.#message.header('content-length') ?? 0);
    }
    if (this.#isChunked) return this.#readChunks();
    if (this.#pendingBytes < this.#bodyBytes) return false;
    const all = this.#join();
    this.#finish(all.subarray(0, this.#bodyBytes), all.subarray(this.#bodyBytes));
    return true;
  }

  #readChunks() {
    const all = this.#join();
    let position = 0;
    for (;;) {
      const lineEnd = all.indexOf('\r\n', position);
      const size = lineEnd < 0 ? Number.NaN : Number.parseInt(all.latin1Slice(position, lineEnd), 16);
      const end = lineEnd + 2 + size + 2;
      if (!(end <= all.length)) {
        this.#keep(all.subarray(position));
        return false;
      }
      if (size === 0) {
        const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks);
        this.#chunks = [];
        this.#finish(body, all.subarray(end));
        return true;
      }
      this.#chunks.push(all.subarray(lineEnd + 2, lineEnd + 2 + size));
      position = end;
    }
  }

  #finish(body, rest) {
    const message = this.#message;
    this.#message = undefined;
    this.#keep(rest);
    message.body = body;
    this.#onMessage(message);
  }

  #join() {
    if (this.#pending.length > 1) this.#pending = [Buffer.concat(this.#pending, this.#pendingBytes)];
    return this.#pending[0] ?? Buffer.alloc(0);
  }

  #keep(rest) {
    this.#pending = rest.length === 0 ? [] : [rest];
    this.#pendingBytes = rest.length;
  }
}

export class HttpMessage {
  body = Buffer.alloc(0);
  #head;
  #lowerCase;

  constructor(head) {
    this.#head = head;
  }

  /** For example `POST /mcp HTTP/1.1` or `HTTP/1.1 200 OK`. */
  get startLine() {
    const end = this.#head.indexOf('\r\n');
    return end < 0 ? this.#head : this.#head.slice(0, end);
  }

  get status() {
    return Number(this.#head.slice(9, 12));
  }

  /** Value of a header by its name in lower case. */
  header(name) {
    this.#lowerCase ??= this.#head.toLowerCase();
    const start = this.#lowerCase.indexOf(`\r\n${name}:`);
    if (start < 0) return undefined;
    const end = this.#lowerCase.indexOf('\r\n', start + 2);
    return this.#head.slice(start + name.length + 3, end < 0 ? undefined : end).trim();
  }
}
