import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '@signalbox/core';
import { Bag } from '../../peers/bag.ts';
import type { IncomingRequest, ResponseWriter } from '../http-message.ts';
import { FrontConnection, type ConnectionHost, type Target } from './front-connection.ts';
import type { Homes, MovedConnection } from '../homes.ts';
import type { HeadReader } from './head-reader.ts';
import { ResponseHeads } from './response-head.ts';

export interface HttpFrontOptions {
  readonly clock: Clock;
  /** Largest body taken, in bytes. */
  readonly maxBodyBytes: number;
  /** Finds what serves requests to a target. */
  readonly find: (url: string) => Target | undefined;
  /** Tells whether a request with these headers would pass all checks that are made ahead of its body. */
  readonly admits: (headers: IncomingHttpHeaders) => boolean;
  /** Answers a request that a target failed to serve. */
  readonly fail: (request: IncomingRequest, response: ResponseWriter, thrown: unknown) => void;
  /** Where else things may live, when several processes serve the port. */
  readonly homes?: Homes | undefined;
  /** Makes a connection one of Node's HTTP server, with everything on it that has not been answered. */
  readonly handOver: (socket: Socket) => void;
}

const SECOND_MS = 1_000;

/**
 * Stands on plain sockets in front of Node's HTTP server and serves the requests it understands beyond doubt. With the
 * first one it does not, the whole connection goes to Node for good. So nothing is accepted here that Node would refuse,
 * and every refusal is Node's or that of what stands behind it.
 * @see docs/decisions/0008-own-front-before-node-http.md
 */
export class HttpFront implements ConnectionHost {
  readonly heads: ResponseHeads;
  seconds = 0;
  isClosing = false;
  /** Counts requests that come while it closes. */
  lastRequests = 0;
  readonly #options: HttpFrontOptions;
  readonly #connections = new Bag<'frontPlace', FrontConnection>('frontPlace');
  // Those handed over included.
  #open = 0;
  #stopTimer: (() => void) | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: HttpFrontOptions) {
    this.#options = options;
    this.heads = new ResponseHeads(options.clock);
  }

  /**
   * Takes a connection that has just been accepted, here or by another process.
   * @param moved What that process has read from it, and how often it has moved.
   */
  accept(socket: Socket, moved?: Omit<MovedConnection, 'handle'>): void {
    this.#open++;
    const connection = new FrontConnection(this, socket, moved?.moves);
    this.#connections.add(connection);
    if (moved !== undefined) connection.begin(moved.unread);
    if (this.#stopTimer === undefined) this.#arm();
  }

  route(head: HeadReader): Target | undefined {
    const { maxBodyBytes, find, admits } = this.#options;
    const target = find(head.url);
    if (target === undefined) return undefined;
    const { bodyLength } = head;
    const isFramed = head.method === 'POST' ? bodyLength !== undefined && bodyLength <= maxBodyBytes : bodyLength === undefined;
    return isFramed && admits(head.headers) ? target : undefined;
  }

  homeOf({ headers }: HeadReader): string | undefined {
    const id = headers['mcp-session-id'];
    const home = typeof id === 'string' ? this.#options.homes?.find(id) : undefined;
    // While it has to be found out, the request can be relayed.
    if (typeof home === 'string') return home;
    home?.catch(() => undefined);
    return undefined;
  }

  move(home: string, connection: MovedConnection): void {
    this.#options.homes!.move(home, connection);
  }

  fail(request: IncomingRequest, response: ResponseWriter, thrown: unknown): void {
    this.#options.fail(request, response, thrown);
  }

  handOver(connection: FrontConnection, socket: Socket): void {
    this.#connections.delete(connection);
    this.#options.handOver(socket);
  }

  closed(connection: FrontConnection): void {
    this.#connections.delete(connection);
    this.#open--;
    if (this.#open === 0) this.#onEmpty?.();
  }

  /** From now on each connection closes with the answer to a request on it. */
  finish(): void {
    this.isClosing = true;
    for (const connection of this.#connections.list()) connection.finishNext();
  }

  /** Closes connections without a request on them. */
  endIdle(): void {
    for (const connection of this.#connections.list()) connection.closeIdle();
  }

  get isEmpty(): boolean {
    return this.#open === 0;
  }

  /** Closes all connections that have not been handed over, whatever is on them. */
  destroyAll(): void {
    for (const connection of this.#connections.list()) connection.destroy();
  }

  /** Resolves once no connection is left, also of those handed over. */
  empty(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
      if (this.#open === 0) resolve();
    });
  }

  #arm(): void {
    this.#stopTimer = this.#options.clock.after(SECOND_MS, () => this.#tick());
  }

  #tick(): void {
    this.#stopTimer = undefined;
    this.seconds++;
    for (const connection of this.#connections.list()) connection.check();
    if (this.#connections.size > 0) this.#arm();
  }
}
