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
import type { RequestHandler } from './peer.ts';

export interface PeerContextOptions {
  readonly handler: RequestHandler;
  /** Seals what clients hold for us: sessions, and the state of calls that wait for their input. */
  readonly seal: Seal;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

/** What the parts of one server peer share. */
export class PeerContext {
  readonly handler: RequestHandler;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly logger: Logger;
  #info: Implementation | undefined;
  #serverInfo = '';

  constructor({ handler, seal, clock = systemClock, logger = silentLogger }: PeerContextOptions) {
    this.handler = handler;
    this.seal = seal;
    this.clock = clock;
    this.logger = logger;
  }

  /** Tells the handler of a notification of the client. There is nobody to answer, so a failure is only logged. */
  notify({ method, params }: Notification): void {
    try {
      this.handler.notify?.({ method, params });
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
