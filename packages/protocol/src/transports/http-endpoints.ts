import type { Clock } from '@signalbox/core';
import type { RequestHandler } from '../peers/peer.ts';
import type { HttpEndpoint } from './http-endpoint.ts';

/** What is spoken to at further addresses of a listener. May change while it listens. */
export interface HandlersByPath {
  /** Each path begins with a slash and has no query. A path that keeps its handler keeps its sessions. */
  readonly current: ReadonlyMap<string, RequestHandler>;
  /** Calls `listener` after each change of `current`. Returns its own stop function. */
  watch(listener: () => void): () => void;
}

export interface HttpEndpointsOptions {
  /** The address that is always there. */
  readonly path: string;
  readonly handler: RequestHandler;
  readonly more: HandlersByPath | undefined;
  readonly create: (handler: RequestHandler, path: string) => HttpEndpoint;
  readonly clock: Clock;
}

/** Time between looks whether an address that is gone still has calls in flight, in milliseconds. */
const LOOK_MS = 1_000;

interface Place {
  readonly handler: RequestHandler;
  readonly endpoint: HttpEndpoint;
  readonly unwatch: () => void;
}

/** The addresses of one listener where MCP is spoken. Each is a world of its own: its handler, its sessions, its streams. */
export class HttpEndpoints {
  readonly #options: HttpEndpointsOptions;
  readonly #path: string;
  readonly #main: Place;
  readonly #more = new Map<string, Place>();
  /** Addresses that are gone and wait for the end of their last calls. */
  readonly #leaving = new Set<HttpEndpoint>();
  readonly #unwatch: (() => void) | undefined;
  #stopLooking: (() => void) | undefined;
  #isEnding = false;

  constructor(options: HttpEndpointsOptions) {
    this.#options = options;
    this.#path = options.path;
    this.#main = this.#open(options.handler, options.path);
    this.#unwatch = options.more?.watch(() => this.#follow());
    this.#follow();
  }

  /** The endpoint that a request target leads to, if it leads to one. */
  at(target: string): HttpEndpoint | undefined {
    if (target === this.#path) return this.#main.endpoint;
    const end = target.indexOf('?');
    const path = end < 0 ? target : target.slice(0, end);
    return path === this.#path ? this.#main.endpoint : this.#more.get(path)?.endpoint;
  }

  /** What answers at a request target, if anything does. */
  handlerAt(target: string): RequestHandler | undefined {
    const end = target.indexOf('?');
    const path = end < 0 ? target : target.slice(0, end);
    return path === this.#path ? this.#main.handler : this.#more.get(path)?.handler;
  }

  get counts(): { readonly open: number; readonly streams: number } {
    const counts = { open: 0, streams: 0 };
    for (const endpoint of this.#all()) {
      counts.open += endpoint.counts.open;
      counts.streams += endpoint.counts.streams;
    }
    return counts;
  }

  /** Follows no more changes, and ends subscriptions and streams of notifications in good order; requests in flight go on. */
  endStreams(): void {
    this.#isEnding = true;
    this.#unwatch?.();
    for (const { unwatch } of [this.#main, ...this.#more.values()]) unwatch();
    for (const endpoint of this.#all()) endpoint.endStreams();
  }

  /** Ends all sessions with what is in flight in them. */
  close(reason: string): void {
    this.#stopLooking?.();
    this.#stopLooking = undefined;
    for (const endpoint of this.#all()) endpoint.close(reason);
    this.#leaving.clear();
  }

  *#all(): Iterable<HttpEndpoint> {
    yield this.#main.endpoint;
    for (const { endpoint } of this.#more.values()) yield endpoint;
    yield* this.#leaving;
  }

  #follow(): void {
    if (this.#isEnding || this.#options.more === undefined) return;
    const { current } = this.#options.more;
    for (const [path, place] of this.#more) if (current.get(path) !== place.handler) this.#leave(path, place);
    for (const [path, handler] of current)
      if (!this.#more.has(path) && path !== this.#path) this.#more.set(path, this.#open(handler, path));
  }

  #open(handler: RequestHandler, path: string): Place {
    const endpoint = this.#options.create(handler, path);
    return { handler, endpoint, unwatch: handler.watch((notification, except) => endpoint.offer(notification, except)) };
  }

  // Nobody finds the address any more, so it only has to bring to an end what it has begun.
  #leave(path: string, { endpoint, unwatch }: Place): void {
    this.#more.delete(path);
    unwatch();
    endpoint.endStreams();
    this.#leaving.add(endpoint);
    this.#look();
  }

  #look(): void {
    for (const endpoint of this.#leaving)
      if (endpoint.closeIdle('There is nothing at this address any more')) this.#leaving.delete(endpoint);
    this.#stopLooking?.();
    this.#stopLooking = this.#leaving.size === 0 ? undefined : this.#options.clock.after(LOOK_MS, () => this.#look());
  }
}
