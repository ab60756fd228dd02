import { randomUUID } from 'node:crypto';
import { isObject, systemClock, type Clock, type GatewayError, type RpcError } from '@signalbox/core';
import { encodeError } from '../../messages/encode.ts';
import { readMember } from '../../messages/members.ts';
import { decodeFrame, type Message } from '../../messages/message.ts';
import { httpFailure } from '../../peers/http-errors.ts';
import { unavailable } from '../../peers/upstream-errors.ts';
import type { Channel } from '../channel.ts';
import type { Exchange, ExchangeFailure, ExchangeSink } from '../http1/exchange.ts';
import type { HttpClient } from '../http1/http-client.ts';

export interface SseClientChannelOptions {
  /** Name used in error messages. */
  readonly upstream: string;
  readonly host: string;
  /** Sends messages to the address the stream has named. The channel owns it from here on. */
  readonly posts: HttpClient;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  /** Breaks the stream off and frees what carries it. */
  readonly closeStream: () => Promise<void>;
  /** Default: the machine’s clock. */
  readonly clock?: Clock;
  readonly onAnomaly?: (text: string) => void;
}

const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
/** How long a server may take to confirm a message that asks for no answer, in milliseconds. */
const CONFIRM_MS = 30_000;

/**
 * The channel of the HTTP+SSE transport: what we say goes out by POST, each message on its own, what the server says
 * comes in on a stream. A message that cannot be delivered takes its request with it, and nothing else, once the
 * conversation has begun.
 */
export class SseClientChannel implements Channel {
  onMessage: (message: Buffer) => void = () => undefined;
  onClose: (reason: string, undelivered?: number) => void = () => undefined;
  readonly #options: SseClientChannelOptions;
  readonly #clock: Clock;
  /** By their number, those that are not confirmed. */
  readonly #deliveries = new Map<number, Delivery>();
  /** Marks refusals of our own making, which no server can know. */
  readonly #mark = randomUUID();
  /** Behind this one all others wait. */
  #first: Delivery | undefined;
  #sent = 0;
  #backlogBytes = 0;
  #hasHeard = false;
  #isStuck = false;
  #isClosed = false;

  constructor(options: SseClientChannelOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  send(message: Buffer): void {
    if (this.#isClosed) return;
    if (this.#backlogBytes > MAX_BACKLOG_BYTES) this.#becomeStuck();
    const decoded = decodeFrame(message);
    const cancelled = cancelledBy(decoded);
    const isUnknown = cancelled !== undefined && this.#withdraw(cancelled);
    const delivery = new Delivery(this, { number: ++this.#sent, body: message, message: decoded });
    // What the server has never heard of need not be cancelled.
    if (isUnknown) return;
    this.#deliveries.set(delivery.number, delivery);
    this.#backlogBytes += message.length;
    if (this.#first === undefined) this.#post(delivery);
  }

  close(): Promise<void> {
    this.#finish('closed by the gateway');
    return this.#free();
  }

  /** Takes a message that came on the stream. */
  receive(message: Buffer): void {
    this.#hasHeard = true;
    if (!this.#isClosed) this.onMessage(message);
  }

  /** The stream is over. */
  end(reason: string): void {
    this.#finish(reason);
    void this.#free();
  }

  /** The failure behind an error outcome, if it stands for a message that could not be delivered. */
  failureOf({ message, data }: RpcError): GatewayError | undefined {
    if (!isObject(data) || data['mark'] !== this.#mark) return undefined;
    const { mark: _mark, sent, ...rest } = data;
    return unavailable(this.#options.upstream, message, { sent: sent === true, data: rest });
  }

  /** A message was confirmed. */
  confirm(delivery: Delivery): void {
    this.#settle(delivery);
  }

  /** A message could not be delivered, or not be confirmed. */
  fail(delivery: Delivery, reason: string, data: { readonly sent: boolean; readonly status?: number }): void {
    if (this.#isClosed) return;
    if (!this.#hasHeard) return this.end(reason);
    this.#settle(delivery);
    const { message } = delivery;
    if (message.kind === 'request') {
      const { host } = this.#options;
      this.onMessage(encodeError(message.id, { code: -32_000, message: reason, data: { mark: this.#mark, host, ...data } }));
    } else this.#options.onAnomaly?.(`a message without an answer was not taken: ${reason}`);
    if (data.status === 404) this.end(`it no longer knows this session (HTTP ${data.status})`);
  }

  describe(answer: { readonly status: number; readonly mediaType: string; readonly body: Buffer }): string {
    const { upstream, host } = this.#options;
    const { data, message } = httpFailure(upstream, host, answer);
    return typeof data?.['reason'] === 'string' ? data['reason'] : message;
  }

  #post(delivery: Delivery): void {
    const { posts, headers } = this.#options;
    const { message } = delivery;
    delivery.exchange = posts.send({ method: 'POST', headers, body: delivery.body }, delivery);
    if (message.kind === 'request') return;
    delivery.stopTimer = this.#clock.after(CONFIRM_MS, () => {
      delivery.exchange?.abort();
      this.fail(delivery, `not confirmed in ${CONFIRM_MS} ms`, { sent: true });
    });
    // Each POST may take another connection and overtake the one before. No request may overtake the end of the handshake.
    if (message.kind === 'notification' && message.method === 'notifications/initialized') this.#first = delivery;
  }

  #settle(delivery: Delivery): void {
    delivery.stopTimer?.();
    if (this.#deliveries.delete(delivery.number)) this.#backlogBytes -= delivery.body.length;
    if (this.#first !== delivery) return;
    this.#first = undefined;
    for (const next of this.#deliveries.values()) {
      if (this.#first !== undefined || this.#isClosed) return;
      if (next.exchange === undefined) this.#post(next);
    }
  }

  // Tells whether the request has certainly not reached the server. It will not, then.
  #withdraw(id: string): boolean {
    for (const delivery of this.#deliveries.values()) {
      const { message, isUnsent } = delivery;
      if (message.kind !== 'request' || message.id.bytes.toString('latin1') !== id) continue;
      delivery.exchange?.abort();
      this.#settle(delivery);
      return isUnsent;
    }
    return false;
  }

  // Whoever sends is in the middle of it and must not be told in between that all is over.
  #becomeStuck(): void {
    if (this.#isStuck) return;
    this.#isStuck = true;
    queueMicrotask(() => this.end(`it does not take what it is sent: ${this.#backlogBytes} bytes are waiting`));
  }

  #finish(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    let undelivered = 0;
    while (this.#deliveries.get(this.#sent - undelivered)?.isUnsent === true) undelivered++;
    for (const { exchange, stopTimer } of this.#deliveries.values()) {
      stopTimer?.();
      exchange?.abort();
    }
    this.#deliveries.clear();
    this.onClose(reason, undelivered);
  }

  async #free(): Promise<void> {
    await Promise.all([this.#options.closeStream(), this.#options.posts.close()]);
  }
}

/** One message on its way to the server. */
class Delivery implements ExchangeSink {
  readonly #channel: SseClientChannel;
  readonly number: number;
  readonly body: Buffer;
  readonly message: Message;
  /** Absent while it waits for another. */
  exchange: Exchange | undefined;
  stopTimer: (() => void) | undefined;

  constructor(channel: SseClientChannel, given: Pick<Delivery, 'number' | 'body' | 'message'>) {
    this.#channel = channel;
    this.number = given.number;
    this.body = given.body;
    this.message = given.message;
  }

  get isUnsent(): boolean {
    return this.exchange?.isSent !== true;
  }

  onBody(status: number, mediaType: string, body: Buffer): void {
    if (status >= 200 && status < 300) this.#channel.confirm(this);
    // A server that does not know the session has not looked at the message.
    else this.#channel.fail(this, this.#channel.describe({ status, mediaType, body }), { sent: status !== 404, status });
  }

  onEvent(): void {
    // The answer belongs on the one stream there is.
  }

  onStreamEnd(): void {
    this.#channel.confirm(this);
  }

  onFailure({ reason, sent }: ExchangeFailure): void {
    this.#channel.fail(this, reason, { sent });
  }
}

// Our own ids are plain numbers, written in one way only.
function cancelledBy(message: Message): string | undefined {
  if (message.kind !== 'notification' || message.method !== 'notifications/cancelled' || message.params === undefined) return undefined;
  return readMember(message.params, 'requestId')?.bytes.toString('latin1');
}
