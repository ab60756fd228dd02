import type { ResponseWriter } from '../http-message.ts';
import { fieldLine, type ResponseHeads } from './response-head.ts';

/** The connection an answer goes out on. */
export interface ResponseCarrier {
  readonly heads: ResponseHeads;
  readonly writableLength: number;
  write(bytes: Buffer): boolean;
  writeText(text: string): boolean;
  cork(): void;
  uncork(): void;
  /** The answer is complete. */
  finish(response: FrontResponse): void;
  /** The answer is broken off, and what carries it with it. */
  break(): void;
}

/** The answer to one request that our own front has read. */
export class FrontResponse implements ResponseWriter {
  shouldKeepAlive: boolean;
  headersSent = false;
  destroyed = false;
  readonly #carrier: ResponseCarrier;
  #fields = '';
  // The head waits for the first bytes of the body, so that they go out together.
  #head = '';
  #isChunked = true;
  #closeListeners: (() => void)[] | undefined;
  #drainListeners: (() => void)[] | undefined;

  constructor(carrier: ResponseCarrier, shouldKeepAlive: boolean) {
    this.#carrier = carrier;
    this.shouldKeepAlive = shouldKeepAlive;
  }

  get writableLength(): number {
    return this.#carrier.writableLength;
  }

  setHeader(name: string, value: string | number): this {
    this.#addField(name, String(value));
    return this;
  }

  writeHead(status: number, headers?: readonly string[]): this {
    if (headers !== undefined) for (let index = 0; index < headers.length; index += 2) this.#addField(headers[index]!, headers[index + 1]!);
    const coding = this.#isChunked ? 'Transfer-Encoding: chunked\r\n' : '';
    this.#head = `${this.#carrier.heads.start(status, this.shouldKeepAlive)}${this.#fields}${coding}\r\n`;
    this.#fields = '';
    this.headersSent = true;
    return this;
  }

  flushHeaders(): void {
    if (!this.destroyed && this.#head !== '') this.#carrier.writeText(this.#takeHead());
  }

  write(bytes: Buffer): boolean {
    if (this.destroyed || bytes.length === 0) return false;
    const head = this.#takeHead();
    if (head === '' && !this.#isChunked) return this.#carrier.write(bytes);
    this.#carrier.cork();
    this.#carrier.writeText(this.#isChunked ? `${head}${bytes.length.toString(16)}\r\n` : head);
    let isRoomLeft = this.#carrier.write(bytes);
    if (this.#isChunked) isRoomLeft = this.#carrier.writeText('\r\n');
    this.#carrier.uncork();
    return isRoomLeft;
  }

  end(body?: Buffer | string): this {
    if (this.destroyed) return this;
    if (typeof body === 'string' && !this.#isChunked) this.#carrier.writeText(`${this.#takeHead()}${body}`);
    else {
      this.#carrier.cork();
      if (body !== undefined) this.write(typeof body === 'string' ? Buffer.from(body, 'latin1') : body);
      const rest = `${this.#takeHead()}${this.#isChunked ? '0\r\n\r\n' : ''}`;
      if (rest !== '') this.#carrier.writeText(rest);
      this.#carrier.uncork();
    }
    this.abandon();
    this.#carrier.finish(this);
    return this;
  }

  cork(): void {
    this.#carrier.cork();
  }

  uncork(): void {
    this.#carrier.uncork();
  }

  destroy(): this {
    if (!this.destroyed) this.#carrier.break();
    return this;
  }

  on(event: 'close' | 'drain', listener: () => void): this {
    if (event === 'close') (this.#closeListeners ??= []).push(listener);
    else (this.#drainListeners ??= []).push(listener);
    return this;
  }

  /** What was written has been taken by the kernel. */
  drained(): void {
    if (!this.destroyed && this.#drainListeners !== undefined) callAll(this.#drainListeners);
  }

  /** Nothing more will be written: it is complete, or its connection is gone. */
  abandon(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    // Whoever ends an answer is in the middle of something, and must not find its own tables changed by the listeners.
    if (this.#closeListeners !== undefined) process.nextTick(callAll, this.#closeListeners);
  }

  #addField(name: string, value: string): void {
    if (name.length === 14 && name.toLowerCase() === 'content-length') this.#isChunked = false;
    this.#fields += fieldLine(name, value);
  }

  #takeHead(): string {
    if (!this.headersSent) this.writeHead(200);
    const head = this.#head;
    this.#head = '';
    return head;
  }
}

function callAll(listeners: readonly (() => void)[]): void {
  for (const listener of listeners) listener();
}
