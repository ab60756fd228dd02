import type { Socket } from 'node:net';
import type { Dial } from './dial.ts';
import type { Exchange, ExchangeHolder } from './exchange.ts';
import { MAX_IDLE_MS, malformed, type ResponseHead } from './response-head.ts';
import { ResponseParser, type ResponseTaker } from './response-parser.ts';

const READ_BYTES = 65_536;
// Up to this size head and body go out as one piece: copying costs less than a second write.
const ONE_PIECE_BYTES = 16_384;

// What is read is copied before the next read, so all connections may share this. Windows reads ahead, into one each.
const SHARED = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

/** Is told what becomes of its connections. */
export interface ConnectionOwner {
  /** It can carry an exchange: it has been made, or its last one is done. */
  onFree(connection: Http1Connection): void;
  /** It could not be made. */
  onRefused(connection: Http1Connection, error: Error): void;
  /** It is no more, after it had been made. */
  onGone(connection: Http1Connection): void;
}

/** One connection to a server. Carries one exchange at a time. */
export class Http1Connection implements ResponseTaker, ExchangeHolder {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  /** Resolves when its socket is closed. */
  readonly closed: Promise<void>;
  /** How long it may be idle after its last answer, in milliseconds. */
  idleMs = MAX_IDLE_MS;
  /** Until when it may be used; set by its owner. */
  idleUntil = Infinity;
  #state: 'connecting' | 'open' | 'over' = 'connecting';
  #exchange: Exchange | undefined;

  constructor(dial: Dial, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#parser = new ResponseParser(this);
    const buffer = SHARED ?? Buffer.allocUnsafeSlow(READ_BYTES);
    this.#socket = dial({
      buffer,
      callback: (length) => {
        this.#read(buffer, length);
        return true;
      },
    });
    const event = 'encrypted' in this.#socket ? 'secureConnect' : 'connect';
    this.#socket.once(event, () => this.#opened());
    this.#socket.on('error', (error) => this.#ended(error));
    this.#socket.on('end', () => this.#ended(undefined));
    this.closed = new Promise((resolve) => {
      this.#socket.once('close', () => {
        this.#ended(undefined);
        resolve();
      });
    });
  }

  /** Whether an exchange may be begun: it is made, idle, and as far as can be known the server has not closed it. */
  get isUsable(): boolean {
    return this.#state === 'open' && this.#exchange === undefined && this.#socket.readable && this.#socket.writable;
  }

  /** Begins an exchange. The connection must be usable. */
  start(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#parser.reset();
    exchange.heldBy(this, true);
    const { head, request } = exchange;
    this.#write(head, request.body);
    // The kernel says at once when it takes nothing because the connection has been reset.
    if (this.#socket.errored !== null) exchange.heldBy(this, false);
  }

  /** Closes it; what it carries or was to carry fails with the error. */
  destroy(error: Error): void {
    this.#ended(error);
  }

  drop(): void {
    this.#exchange = undefined;
    this.#ended(undefined);
  }

  setPaused(isPaused: boolean): void {
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  onHead(head: ResponseHead): boolean {
    const exchange = this.#exchange!;
    this.idleMs = head.idleMs;
    exchange.takeHead(head);
    return !exchange.isOver;
  }

  onData(bytes: Buffer, start: number, end: number): boolean {
    const exchange = this.#exchange!;
    exchange.takeData(bytes, start, end);
    return !exchange.isOver;
  }

  #write(head: string, body: Buffer | undefined): void {
    if (body === undefined) {
      this.#socket.write(head, 'latin1');
    } else if (head.length + body.length <= ONE_PIECE_BYTES) {
      const whole = Buffer.allocUnsafe(head.length + body.length);
      body.copy(whole, whole.write(head, 'latin1'));
      this.#socket.write(whole);
    } else {
      this.#socket.cork();
      this.#socket.write(head, 'latin1');
      this.#socket.write(body);
      this.#socket.uncork();
    }
  }

  #opened(): void {
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    this.#owner.onFree(this);
  }

  #read(bytes: Buffer, length: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#state === 'over' ? undefined : this.#ended(undefined);
    let end: number;
    try {
      end = this.#parser.push(bytes, length);
      if (end >= 0 && end < length && this.idleMs > 0) throw malformed('there is more than its end');
    } catch (error) {
      // With the exchange over there is nobody left to tell, so a fault of its taker must rise.
      if (!(error instanceof Error) || exchange.isOver) throw error;
      return this.#ended(error);
    }
    if (end >= 0) this.#done(exchange);
  }

  // The connection is free before the answer is handed on, as its taker may at once send another request.
  #done(exchange: Exchange): void {
    this.#exchange = undefined;
    if (this.#socket.isPaused()) this.#socket.resume();
    const isReusable = this.idleMs > 0 && this.#socket.writableLength === 0 && this.isUsable;
    if (isReusable) this.#owner.onFree(this);
    else this.#ended(undefined);
    exchange.finish();
  }

  #ended(error: Error | undefined): void {
    if (this.#state === 'over') return;
    const exchange = this.#exchange;
    const wasConnecting = this.#state === 'connecting';
    this.#exchange = undefined;
    this.#state = 'over';
    this.#socket.destroy();
    const reason =
      error ?? new Error(`the connection was closed by the other side ${wasConnecting ? 'at once' : 'before its answer was whole'}`);
    if (wasConnecting) return this.#owner.onRefused(this, reason);
    this.#owner.onGone(this);
    if (exchange === undefined) return;
    if (error === undefined && this.#parser.isUntilClose) exchange.finish();
    else exchange.fail(reason);
  }
}
