import { GatewayError, systemClock, type Clock } from '@signalbox/core';
import { createDial, type Dial } from './dial.ts';
import { Exchange, type ExchangeSink } from './exchange.ts';
import { Http1Connection, type ConnectionOwner } from './http1-connection.ts';
import { RequestHeads, type HttpRequest } from './request-head.ts';
import { WaitingLine } from './waiting-line.ts';

// Calls are limited before they come here, streams by the sessions they belong to; this only keeps a mistake from taking all descriptors.
const MAX_CONNECTIONS = 4096;
const SWEEP_MS = 1_000;

export interface HttpClientOptions {
  readonly url: URL;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectMs: number;
  /** Largest body or event accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** Most connections at a time. Default: 4,096. */
  readonly maxConnections?: number;
  /** Certificates to trust in place of those of the system, in PEM. */
  readonly certificates?: string;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
}

/** Sends HTTP/1.1 requests to one address over connections that are kept open. */
export class HttpClient implements ConnectionOwner {
  readonly #heads: RequestHeads;
  readonly #dial: Dial;
  readonly #connectMs: number;
  readonly #maxBytes: number;
  readonly #maxConnections: number;
  readonly #clock: Clock;
  readonly #connections = new Set<Http1Connection>();
  readonly #waiting = new WaitingLine();
  // The one used last is used first, so that what a burst has opened grows old and goes.
  readonly #idle: Http1Connection[] = [];
  readonly #connectTimers = new Map<Http1Connection, () => void>();
  #stopSweep: (() => void) | undefined;
  #isClosed = false;

  private constructor(
    { url, connectMs, maxMessageBytes, maxConnections = MAX_CONNECTIONS, clock = systemClock }: HttpClientOptions,
    dial: Dial,
  ) {
    this.#heads = new RequestHeads(url);
    this.#dial = dial;
    this.#connectMs = connectMs;
    this.#maxBytes = maxMessageBytes;
    this.#maxConnections = maxConnections;
    this.#clock = clock;
  }

  /** Makes a client. It connects when it has something to send. The caller owns it and must close it. */
  static async create(options: HttpClientOptions): Promise<HttpClient> {
    return new HttpClient(options, await createDial(options.url, options.certificates));
  }

  /**
   * Sends a request, in the order of asking when it must wait for a connection. The sink is never called before this
   * returns. A header that cannot be sent fails the exchange; its cause is then a GatewayError `INVALID_REQUEST`.
   */
  send(request: HttpRequest, sink: ExchangeSink): Exchange {
    const head = this.#isClosed ? new Error('the client is closed') : this.#writeHead(request);
    const exchange = new Exchange({ request, head: typeof head === 'string' ? head : '', maxBytes: this.#maxBytes }, sink);
    if (typeof head !== 'string') {
      queueMicrotask(() => exchange.fail(head));
      return exchange;
    }
    const connection = this.#takeIdle();
    if (connection === undefined) {
      this.#waiting.add(exchange);
      this.#openMore();
    } else connection.start(exchange);
    return exchange;
  }

  /** Breaks off what is under way and closes all connections. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopSweep?.();
    this.#stopSweep = undefined;
    const error = new Error('the client is closed');
    for (let exchange = this.#waiting.shift(); exchange !== undefined; exchange = this.#waiting.shift()) exchange.fail(error);
    const connections = [...this.#connections];
    for (const connection of connections) connection.destroy(error);
    await Promise.all(connections.map((connection) => connection.closed));
  }

  onFree(connection: Http1Connection): void {
    this.#stopConnectTimer(connection);
    const exchange = this.#waiting.shift();
    if (exchange !== undefined) return connection.start(exchange);
    connection.idleUntil = this.#clock.monotonic() + connection.idleMs;
    this.#idle.push(connection);
    this.#stopSweep ??= this.#clock.after(SWEEP_MS, () => this.#sweep());
  }

  // Each connection is asked for by somebody in the line, so each that cannot be made disappoints one: the first.
  onRefused(connection: Http1Connection, error: Error): void {
    this.#stopConnectTimer(connection);
    this.#connections.delete(connection);
    const exchange = this.#waiting.shift();
    this.#openMore();
    exchange?.fail(error);
  }

  onGone(connection: Http1Connection): void {
    this.#connections.delete(connection);
    const place = this.#idle.indexOf(connection);
    if (place >= 0) this.#idle.splice(place, 1);
    this.#openMore();
  }

  #writeHead(request: HttpRequest): string | Error {
    try {
      return this.#heads.write(request);
    } catch (error) {
      if (error instanceof GatewayError) return error;
      throw error;
    }
  }

  #takeIdle(): Http1Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return undefined;
      if (connection.isUsable && connection.idleUntil > this.#clock.monotonic()) return connection;
      connection.drop();
    }
  }

  #openMore(): void {
    while (!this.#isClosed && this.#connectTimers.size < this.#waiting.size && this.#connections.size < this.#maxConnections) {
      const connection = new Http1Connection(this.#dial, this);
      this.#connections.add(connection);
      const expire = () => connection.destroy(new Error(`no connection in ${this.#connectMs} ms`));
      this.#connectTimers.set(connection, this.#clock.after(this.#connectMs, expire));
    }
  }

  #stopConnectTimer(connection: Http1Connection): void {
    this.#connectTimers.get(connection)?.();
    this.#connectTimers.delete(connection);
  }

  #sweep(): void {
    this.#stopSweep = undefined;
    const now = this.#clock.monotonic();
    for (const connection of this.#idle.filter(({ idleUntil }) => idleUntil <= now)) connection.drop();
    if (this.#idle.length > 0) this.#stopSweep = this.#clock.after(SWEEP_MS, () => this.#sweep());
  }
}
