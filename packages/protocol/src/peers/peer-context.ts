import { silentLogger, toMessage, type Logger, type Notification } from '@signalbox/core';
import { META } from '../revisions/revisions.ts';
import type { RequestHandler } from './peer.ts';

/** What the parts of one server peer share. */
export class PeerContext {
  readonly handler: RequestHandler;
  readonly logger: Logger;
  #serverInfo: string | undefined;

  constructor(handler: RequestHandler, logger: Logger = silentLogger) {
    this.handler = handler;
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
    return (this.#serverInfo ??= `"_meta":{${JSON.stringify(META.serverInfo)}:${JSON.stringify(this.handler.describe().info)}}`);
  }
}
