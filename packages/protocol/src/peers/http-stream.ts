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
}

/**
 * The stream on which a handshake server sends what belongs to no request. It is opened again when it ends, from the last
 * event on; a server that does not offer it is asked once.
 */
export class HttpStream implements ExchangeSink {
  readonly #options: HttpStreamOptions;
  #exchange: Exchange | undefined;
  #lastEventId: string | undefined;
  #retryMs: number | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #stopTimer: (() => void) | undefined;
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

  // Client errors are final: 405 means there is no such stream, 404 that the session is gone, which the next call repairs.
  onBody(status: number): void {
    if (status >= 500 || status === 429) this.#reopen();
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
