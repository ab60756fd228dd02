import {
  silentLogger,
  systemClock,
  toMessage,
  type Clock,
  type Implementation,
  type Logger,
  type Notification,
  type Seal,
} from '@signalbox/core';
import { META } from '../revisions/revisions.ts';
import { HeldCalls } from './held-calls.ts';
import type { Caller, RequestHandler } from './peer.ts';
import { RequestStates } from './request-states.ts';

export interface PeerContextOptions {
  readonly handler: RequestHandler;
  /** Seals what clients hold for us: sessions, and the state of calls that wait for their input. */
  readonly seal: Seal;
  /** Longest wait for a client's answer to what a server asks it, in milliseconds. Default 10 minutes. */
  readonly inputMs?: number;
  /** The process it is in, if several serve one address. */
  readonly home?: string | undefined;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

const DEFAULT_INPUT_MS = 600_000;

/** What the parts of one server peer share. */
export class PeerContext {
  readonly handler: RequestHandler;
  readonly seal: Seal;
  readonly inputMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly states: RequestStates;
  readonly held: HeldCalls;
  #info: Implementation | undefined;
  #serverInfo = '';

  constructor({ handler, seal, inputMs = DEFAULT_INPUT_MS, home, clock = systemClock, logger = silentLogger }: PeerContextOptions) {
    this.handler = handler;
    this.seal = seal;
    this.inputMs = inputMs;
    this.clock = clock;
    this.logger = logger;
    this.states = new RequestStates({ seal, inputMs, clock, home });
    this.held = new HeldCalls({ states: this.states, inputMs, clock });
  }

  /** Tells the handler of a notification of the client. There is nobody to answer, so a failure is only logged. */
  notify({ method, params }: Notification, caller: Caller): void {
    try {
      this.handler.notify?.({ method, params }, caller);
    } catch (error) {
      this.logger.error('notification failed', { method, error: toMessage(error) });
    }
  }

  /** The `_meta` member that names us on results of the modern revision, as JSON text. */
  get serverInfoMember(): string {
    const { info } = this.handler.describe();
    if (info !== this.#info) {
      this.#info = info;
      this.#serverInfo = `"_meta":{${JSON.stringify(META.serverInfo)}:${JSON.stringify(info)}}`;
    }
    return this.#serverInfo;
  }
}
