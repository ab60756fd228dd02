import { GatewayError, systemClock, type LogLevel, type Notification, type Outcome } from '@signalbox/core';
import { connectLegacySse } from '../transports/legacy-sse/connect-legacy-sse.ts';
import type { SseClientChannel } from '../transports/legacy-sse/sse-client-channel.ts';
import { toAddress } from './address.ts';
import { openChannel } from './channel-client.ts';
import { openHttp, type HttpConnectOptions } from './http-connection.ts';
import { NO_PARAMS, ownRequest } from './outgoing.ts';
import type { Caller, Connection, OutgoingRequest, ServerProfile } from './peer.ts';

/**
 * Opens a conversation over the HTTP+SSE transport. It belongs to the handshake generation, so only that is spoken.
 * The conversation ends with the stream.
 * @throws GatewayError as `connectLegacySse` and `openChannel` do.
 */
export async function openLegacySse(options: HttpConnectOptions): Promise<Connection> {
  const { clock = systemClock } = options;
  const url = toAddress(options.upstream, options.url);
  const channel = await connectLegacySse({ ...options, url, clock });
  const inner = await openChannel(channel, { ...options, revision: 'handshake' });
  return new SseConnection(inner, channel, options);
}

// https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#backwards-compatibility
const LEGACY_STATUSES: ReadonlySet<unknown> = new Set([400, 404, 405]);

/**
 * Opens a conversation with a server at an HTTP address, over Streamable HTTP, or over HTTP+SSE when the server refuses
 * that in the way servers of the older transport do.
 * @throws GatewayError as `openHttp` does, or as `openLegacySse` once a stream has been opened.
 */
export async function openHttpOrLegacySse(options: HttpConnectOptions): Promise<Connection> {
  try {
    return await openHttp(options);
  } catch (error) {
    const isLegacy = error instanceof GatewayError && LEGACY_STATUSES.has(error.data?.['status']) && options.revision !== 'modern';
    if (!isLegacy) throw error;
    try {
      return await openLegacySse(options);
    } catch (second) {
      // What is no stream either is best described by the first refusal.
      const isStream = second instanceof GatewayError && (second.data?.['phase'] === 'handshake' || second.code === 'UPSTREAM_PROTOCOL');
      throw isStream ? second : error;
    }
  }
}

/** Turns what stands for an undelivered message back into the failure it is. */
class SseConnection implements Connection {
  readonly isCorrelated = false;
  readonly revision: string;
  readonly server: ServerProfile;
  readonly closed: Promise<string>;
  readonly #inner: Connection;
  readonly #channel: SseClientChannel;
  readonly #options: HttpConnectOptions;

  constructor(inner: Connection, channel: SseClientChannel, options: HttpConnectOptions) {
    this.revision = inner.revision;
    this.server = inner.server;
    this.closed = inner.closed;
    this.#inner = inner;
    this.#channel = channel;
    this.#options = options;
  }

  async request(request: OutgoingRequest): Promise<Outcome> {
    const outcome = await this.#inner.request(request);
    const failure = outcome.kind === 'error' ? this.#channel.failureOf(outcome.error) : undefined;
    if (failure !== undefined) throw failure;
    return outcome;
  }

  notify(notification: Notification, caller?: Caller): void {
    this.#inner.notify(notification, caller);
  }

  // To the connection below any answer is a sign of life, also one of our own making.
  async ping(timeoutMs: number): Promise<void> {
    await this.request(ownRequest('ping', { params: NO_PARAMS, info: this.#options.client, timeoutMs }));
  }

  subscribe(uri: string): Promise<void> {
    return this.#inner.subscribe(uri);
  }

  unsubscribe(uri: string): Promise<void> {
    return this.#inner.unsubscribe(uri);
  }

  watchTask(taskId: string): void {
    this.#inner.watchTask(taskId);
  }

  unwatchTask(taskId: string): void {
    this.#inner.unwatchTask(taskId);
  }

  setLogLevel(level: LogLevel): Promise<void> {
    return this.#inner.setLogLevel(level);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
