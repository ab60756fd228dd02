import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Channel } from '../channel.ts';
import type { KeptAlive } from '../keep-alive.ts';
import { describeClose, describeFault } from './close-reasons.ts';

export interface WebSocketChannelOptions {
  /** Open, and nobody else’s. */
  readonly socket: WebSocket;
  /** The connection below it. */
  readonly connection: Duplex & { readonly bytesRead?: number };
  /** Who is at the other end, as the subject of a sentence. */
  readonly who: string;
  readonly maxMessageBytes: number;
  /** What may wait for the other end to read, in bytes; beyond it the other end is taken for stuck. */
  readonly maxUnreadBytes: number;
  /** Said when it is us who close. */
  readonly farewell: { readonly code: 1000 | 1001; readonly text: string };
  /** Why it was closed, in words, when it is us who close. */
  readonly closedByUs: string;
}

// What is given to the socket may leave in part, and then nobody can tell how much of it arrived. So it gets little at a
// time, and the rest waits here, where it is certain that it has not left.
const MAX_HANDED_BYTES = 65_536;
const OPEN = 1;
const TEXT = { binary: false } as const;

/**
 * A channel over a WebSocket: one message in each text frame. Expects to be asked by a `KeepAlive` now and then whether
 * the other end is still there.
 */
export class WebSocketChannel implements Channel, KeptAlive {
  onMessage: (message: Buffer) => void = () => undefined;
  onClose: (reason: string, undelivered?: number) => void = () => undefined;
  keepAlivePlace = -1;
  keepAliveDueMs = 0;
  readonly #options: WebSocketChannelOptions;
  readonly #socket: WebSocket;
  /** Messages the socket has not been given, oldest first. */
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isCorked = false;
  #isStuck = false;
  #isClosed = false;
  #fault: string | undefined;
  #lastPing: { readonly bytesRead: number; readonly unreadBytes: number } | undefined;
  readonly #gone: Promise<void>;

  constructor(options: WebSocketChannelOptions) {
    this.#options = options;
    const { socket, connection, who, maxMessageBytes } = options;
    this.#socket = socket;
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('error', (error) => this.#finish((this.#fault = `${who} ${describeFault(error, maxMessageBytes)}`)));
    connection.on('error', (error) => (this.#fault ??= `the connection broke off: ${error.message}`));
    this.#gone = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#finish(code === 1006 && this.#fault !== undefined ? this.#fault : describeClose(who, code, reason));
        resolve();
      });
    });
  }

  /** Bytes the other end has not been sent yet. */
  get unreadBytes(): number {
    return this.#waitingBytes + this.#socket.bufferedAmount;
  }

  send(message: Buffer): void {
    if (this.#isClosed) return;
    // A frame of text that is no text ends the connection. What an upstream says must not have that power.
    const text = isUtf8(message) ? message : Buffer.from(message.toString('utf8'));
    if (this.#waiting.length === 0 && this.#takesMore) return this.#give(text);
    if (this.unreadBytes > this.#options.maxUnreadBytes) this.#becomeStuck();
    this.#waiting.push(text);
    this.#waitingBytes += text.length;
  }

  close(): Promise<void> {
    const { code, text } = this.#options.farewell;
    return this.#leave(code, text, this.#options.closedByUs);
  }

  /** Ends the connection if nothing was heard since the last time, and nothing read; otherwise asks for a sign of life. */
  keepAlive(): void {
    if (this.#isClosed) return;
    const bytesRead = this.#options.connection.bytesRead ?? 0;
    const last = this.#lastPing;
    if (last !== undefined && bytesRead === last.bytesRead && this.unreadBytes >= last.unreadBytes) {
      this.#finish(`${this.#options.who} no longer answers pings`);
      return this.#socket.terminate();
    }
    this.#socket.ping();
    this.#lastPing = { bytesRead, unreadBytes: this.unreadBytes };
  }

  get #takesMore(): boolean {
    return this.#socket.readyState === OPEN && this.#socket.bufferedAmount <= MAX_HANDED_BYTES;
  }

  // What is sent in one turn leaves in one write.
  #give(message: Buffer): void {
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#options.connection.cork();
      process.nextTick(() => {
        this.#isCorked = false;
        this.#options.connection.uncork();
      });
    }
    this.#socket.send(message, TEXT, this.#onGiven);
  }

  #onGiven = (): void => {
    let count = 0;
    while (count < this.#waiting.length && this.#takesMore) {
      const message = this.#waiting[count++]!;
      this.#waitingBytes -= message.length;
      this.#give(message);
    }
    if (count > 0) this.#waiting.splice(0, count);
  };

  #take(data: Buffer, isBinary: boolean): void {
    if (this.#isClosed) return;
    if (!isBinary) return this.onMessage(data);
    void this.#leave(1003, 'Cannot accept a binary frame: messages are text', `${this.#options.who} sent a binary frame`);
  }

  // Whoever sends is in the middle of it and must not be told in between that all is over.
  #becomeStuck(): void {
    if (this.#isStuck) return;
    this.#isStuck = true;
    queueMicrotask(() => {
      this.#finish(`${this.#options.who} does not read what it is sent: ${this.unreadBytes} bytes are waiting`);
      this.#socket.terminate();
    });
  }

  #leave(code: number, text: string, reason: string): Promise<void> {
    this.#finish(reason);
    this.#socket.close(code, text);
    return this.#gone;
  }

  #finish(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const undelivered = this.#waiting.length;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.onClose(reason, undelivered);
  }
}
