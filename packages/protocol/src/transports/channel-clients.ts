import {
  GatewayError,
  type Answer,
  type Awaitable,
  type CallerSession,
  type Clock,
  type Notification,
  type Request,
} from '@signalbox/core';
import { serveChannel, type ChannelServer, type ChannelServerOptions } from '../peers/channel-server.ts';
import type { Caller, ChangeListening, RequestHandler, ServerProfile, TaskWish } from '../peers/peer.ts';
import type { Channel } from './channel.ts';
import { KeepAlive, type KeptAlive } from './keep-alive.ts';

/** A channel to a client that connected over the network. */
export interface ClientChannel extends Channel, KeptAlive {
  /** Bytes given to `send` that the client has not been sent yet. */
  readonly unreadBytes: number;
}

export interface ChannelClientsOptions {
  /** Answers clients that come without a handler of their own. */
  readonly handler: RequestHandler;
  readonly serving: Omit<ChannelServerOptions, 'handler'>;
  /** Clients at once; more are refused. */
  readonly max: number;
  readonly clock: Clock;
}

interface Client {
  readonly channel: ClientChannel;
  readonly server: ChannelServer;
  readonly requests: CountedHandler;
}

const KEEP_ALIVE_MS = 15_000;
/** Time between looks for clients whose last answer is out while closing, in milliseconds. */
const SWEEP_MS = 20;

/** The clients of one listener that have a channel of their own, each served for as long as its channel is open. */
export class ChannelClients {
  readonly #options: ChannelClientsOptions;
  readonly #clients = new Set<Client>();
  readonly #keepAlive: KeepAlive;
  readonly #isClosing = () => this.#closing;
  #closing = false;
  #stopSweep: (() => void) | undefined;

  constructor(options: ChannelClientsOptions) {
    this.#options = options;
    this.#keepAlive = new KeepAlive(options.clock, KEEP_ALIVE_MS);
  }

  get size(): number {
    return this.#clients.size;
  }

  /** Makes sure that another client may come. @throws GatewayError `OVERLOADED` */
  checkRoom(): void {
    if (this.#closing) throw closing();
    const { max } = this.#options;
    if (this.#clients.size >= max) throw new GatewayError('OVERLOADED', `Cannot take another client: ${max} are connected`);
  }

  /** Serves a client until its channel closes. Owns the channel from here on. */
  add(channel: ClientChannel, handler: RequestHandler = this.#options.handler): void {
    const requests = new CountedHandler(handler, this.#isClosing);
    const server = serveChannel(channel, { ...this.#options.serving, handler: requests });
    const client = { channel, server, requests };
    this.#clients.add(client);
    this.#keepAlive.add(channel);
    void server.closed.then(() => this.#forget(client));
  }

  /** Takes no more requests, and lets each client go as soon as it has all its answers. */
  finish(): void {
    if (this.#closing) return;
    this.#closing = true;
    // An answer that is being settled now is out when the present turn is over.
    setImmediate(() => this.#sweep());
  }

  /** Ends all at once, with what is in flight. */
  close(): void {
    this.#closing = true;
    this.#stopSweep?.();
    this.#keepAlive.close();
    for (const { server } of this.#clients) void server.close();
  }

  #forget(client: Client): void {
    this.#clients.delete(client);
    this.#keepAlive.remove(client.channel);
  }

  #sweep(): void {
    for (const { channel, server, requests } of this.#clients)
      if (requests.inFlight === 0 && channel.unreadBytes === 0) void server.close();
    if (this.#clients.size > 0) this.#stopSweep = this.#options.clock.after(SWEEP_MS, () => this.#sweep());
  }
}

/** The handler as one client sees it: knows how many of its requests are unanswered, and takes none while we close. */
class CountedHandler implements RequestHandler {
  inFlight = 0;
  readonly #handler: RequestHandler;
  readonly #isClosing: () => boolean;

  constructor(handler: RequestHandler, isClosing: () => boolean) {
    this.#handler = handler;
    this.#isClosing = isClosing;
  }

  describe(): ServerProfile {
    return this.#handler.describe();
  }

  request(request: Request): Awaitable<Answer> {
    if (this.#isClosing()) throw closing();
    const outcome = this.#handler.request(request);
    if (!(outcome instanceof Promise)) return outcome;
    this.inFlight++;
    outcome.then(this.#settled, this.#settled);
    return outcome;
  }

  watch(listener: ChangeListening): () => void {
    return this.#handler.watch(listener);
  }

  subscribe(uri: string, session?: CallerSession): () => void {
    return this.#handler.subscribe(uri, session);
  }

  watchTask(taskId: string, wish: TaskWish): (() => void) | undefined {
    return this.#handler.watchTask?.(taskId, wish);
  }

  notify(notification: Notification, caller: Caller): void {
    this.#handler.notify?.(notification, caller);
  }

  #settled = (): void => {
    this.inFlight--;
  };
}

function closing(): GatewayError {
  return new GatewayError('OVERLOADED', 'Cannot take more requests: the gateway is closing');
}
