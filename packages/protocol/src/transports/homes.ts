import type { Awaitable } from '@signalbox/core';
import type { IncomingRequest, ResponseWriter } from './http-message.ts';

/** A request on its way to where it belongs. */
export interface PassedRequest {
  readonly request: IncomingRequest;
  /** The body, when it has been read already. */
  readonly body?: Buffer;
  readonly response: ResponseWriter;
  /** The id or state that names its home; absent when that is a key. */
  readonly id?: string;
  /** Serves it here after all, because its home has gone and this process is the new one. */
  serve(): void;
}

/** A connection on its way to where it belongs. */
export interface MovedConnection {
  /** The connection as libuv knows it. Whoever takes it closes it. */
  readonly handle: object;
  /** What has been read from it and was not answered. */
  readonly unread: Buffer;
  /** How often it has moved, this time included. */
  readonly moves: number;
}

/**
 * Where things live when several processes serve one port. Each process has a name, which stands in front of the ids and
 * states it gives to clients; what comes back with the name of another one belongs there. The name only shows the way:
 * what it stands in front of is sealed, and opens in every process.
 */
export interface Homes {
  /** The name of this process, a whole number. */
  readonly own: string;
  /**
   * The process where an id or state lives, `undefined` when it is this one. A promise when its process is gone and the
   * new one has to be found out.
   * @throws GatewayError `SESSION_NOT_FOUND` for one that was ended there.
   */
  find(id: string): Awaitable<string | undefined>;
  /** The process that knows of an idempotency key, `undefined` when it is this one. @throws GatewayError `OVERLOADED` while that process is being replaced. */
  findKey(key: string): string | undefined;
  /** Has a request served where it belongs; the answer comes the same way. */
  relay(home: string, passed: PassedRequest): void;
  /** Gives a connection to the process that its next request belongs to. */
  move(home: string, connection: MovedConnection): void;
  /** Tells that a session was ended, so that no other process takes it up. */
  ended(id: string): void;
}

const NAME = /^(\d{1,9})\./;

/** An id or state behind the name of its home. */
export function withHome(home: string | undefined, text: string): string {
  return home === undefined ? text : `${home}.${text}`;
}

/** The name of the home that an id or state begins with, if it begins with one. */
export function homeOf(text: string): string | undefined {
  return NAME.exec(text)?.[1];
}

/** An id or state without the name of its home. */
export function withoutHome(text: string): string {
  return text.replace(NAME, '');
}
