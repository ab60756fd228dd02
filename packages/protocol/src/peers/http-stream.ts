import { toMessage, type Clock } from '@signalbox/core';
import { decodeFrame, type Message } from '../messages/message.ts';
import type { ServerSentEvent } from '../messages/sse.ts';
import type { Exchange, ExchangeFailure, ExchangeSink } from '../transports/http1/exchange.ts';
import type { HttpClient } from '../transports/http1/http-client.ts';

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 30_000;

export interface HttpStreamOptions {
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly headers: () => readonly string[];
  readonly onMessage: (message: Message) => void;
  readonly onAnomaly: (text: string) => void;
  /** Opens another session, and with it another stream, in place of the one that the server has forgotten. */
  readonly renew: () => Promise<void>;
}

/**
 * The stream on which a handshake server sends what belongs to no request. It is opened again when it ends, from the last
 * event on; a server that does not offer it is asked once. One that had it open and does not know the session any more is
 * asked for another: where nothing is called, nobody else would notice, and no change would be heard of again.
 */
export class HttpStream implements ExchangeSink {
  readonly #options: HttpStreamOptions;
  #exchange: Exchange | undefined;
  #lastEventId: string | undefined;
  #retryMs: number | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #stopTimer: (() => void) | undefined;
  #wasOpen = false;
  #isClosed = false;

  constructor(options: HttpStreamOptions) {
    this.#options = options;
    this.#open();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
    this.#exchange?.abort();
  }

  onHead(status: number): void {
    if (status === 200) this.#wasOpen = true;
  }

  // Client errors are final unless the stream was there before: 405 means that there is no such stream.
  onBody(status: number, _mediaType: string, body: Buffer): void {
    if (status >= 500 || status === 429) return this.#reopen();
    if (this.#isClosed || !this.#wasOpen || !isSessionLost(status, body)) return;
    this.#options.renew().catch((error: unknown) => {
      this.#options.onAnomaly(`its session was lost: ${toMessage(error)}`);
      this.#reopen();
    });
  }

  onEvent({ data, id, retryMs }: ServerSentEvent): void {
    if (id !== undefined) this.#lastEventId = id;
    if (retryMs !== undefined) this.#retryMs = retryMs;
    this.#backoffMs = FIRST_BACKOFF_MS;
    if (data.length === 0) return;
    try {
      this.#options.onMessage(decodeFrame(data));
    } catch (error) {
      this.#options.onAnomaly(toMessage(error));
    }
  }

  onStreamEnd(): void {
    this.#reopen();
  }

  onFailure(_failure: ExchangeFailure): void {
    this.#reopen();
  }

  #open(): void {
    const { client, headers } = this.#options;
    const position = this.#lastEventId === undefined ? [] : ['last-event-id', this.#lastEventId];
    this.#exchange = client.send({ method: 'GET', headers: [...headers(), ...position] }, this);
  }

  #reopen(): void {
    if (this.#isClosed) return;
    this.#stopTimer = this.#options.clock.after(Math.max(this.#retryMs ?? 0, this.#backoffMs), () => this.#open());
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
  }
}

// Servers are asked to answer 404; a good many answer 400 and say so in words.
function isSessionLost(status: number, body: Buffer): boolean {
  return status === 404 || (status === 400 && /session/i.test(body.toString('utf8')));
}
