import { systemClock, toGatewayError, type Clock, type GatewayError } from '@signalbox/core';
import { preview } from '../../messages/message.ts';
import type { ServerSentEvent } from '../../messages/sse.ts';
import { httpFailure } from '../../peers/http-errors.ts';
import { protocolFault, unavailable } from '../../peers/upstream-errors.ts';
import type { Exchange, ExchangeFailure, ExchangeSink } from '../http1/exchange.ts';
import { HttpClient } from '../http1/http-client.ts';
import { SseClientChannel } from './sse-client-channel.ts';

// Ours by the protocol, whatever the configuration says.
const OWN_HEADERS = /^(accept|content-type|content-length|host|connection|mcp-.*|last-event-id)$/i;
const MAX_ADDRESS_BYTES = 8_192;
// Messages are confirmed at once, whatever their answers take.
const MAX_POSTS_AT_ONCE = 256;

export interface SseAddress {
  /** Name used in error messages. */
  readonly upstream: string;
  readonly url: URL;
  /** Sent with each request; their values never appear in errors. */
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for a connection and the address of messages, in milliseconds. */
  readonly connectMs: number;
  /** Largest message accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** Default: the machine’s clock. */
  readonly clock?: Clock;
  readonly onAnomaly?: (text: string) => void;
}

/**
 * Opens the stream of a server that speaks the HTTP+SSE transport of revision 2024-11-05, and waits until it has named
 * where messages go. That must be an address of the same origin: our credentials go nowhere else.
 * @throws GatewayError `UPSTREAM_UNAVAILABLE` (data `phase: 'connect'`, `sent: false`) when it cannot be reached or refuses us,
 * `UPSTREAM_PROTOCOL` when what answers is no such server, or names an address elsewhere.
 * @see https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse
 */
export async function connectLegacySse(options: SseAddress): Promise<SseClientChannel> {
  const { url, connectMs, maxMessageBytes, clock } = options;
  const client = await HttpClient.create({ url, connectMs, maxMessageBytes, ...(clock && { clock }) });
  const stream = new SseStream(options, client);
  try {
    return await stream.opened;
  } catch (error) {
    await client.close();
    throw error;
  }
}

class SseStream implements ExchangeSink {
  readonly opened: Promise<SseClientChannel>;
  readonly #options: SseAddress;
  readonly #client: HttpClient;
  readonly #headers: readonly string[];
  readonly #exchange: Exchange;
  readonly #stopTimer: () => void;
  #resolve!: (channel: SseClientChannel) => void;
  #reject!: (error: GatewayError) => void;
  #isNamed = false;
  #channel: SseClientChannel | undefined;
  /** What came before the channel had an owner. */
  #early: Buffer[] | undefined = [];

  constructor(options: SseAddress, client: HttpClient) {
    const { upstream, headers, connectMs, clock = systemClock } = options;
    this.#options = options;
    this.#client = client;
    this.#headers = Object.entries(headers)
      .filter(([name]) => !OWN_HEADERS.test(name))
      .flat();
    this.opened = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const late = () => this.#refuse(unreachable(upstream, options.url, { reason: `it named no address for messages in ${connectMs} ms` }));
    this.#stopTimer = clock.after(connectMs, late);
    this.#exchange = client.send({ method: 'GET', headers: ['accept', 'text/event-stream', ...this.#headers] }, this);
  }

  onBody(status: number, mediaType: string, body: Buffer): void {
    const { upstream, url } = this.#options;
    const failure = httpFailure(upstream, url.host, { status, mediaType, body });
    const { reason } = failure.data ?? {};
    this.#refuse(typeof reason === 'string' ? unreachable(upstream, url, { reason, status }) : failure);
  }

  onEvent({ event, data }: ServerSentEvent): void {
    if (event === 'endpoint') this.#name(data);
    else if (event === 'message' && data.length > 0) this.#take(data);
  }

  onStreamEnd(): void {
    this.#lose('it ended its stream');
  }

  onFailure({ reason, cause }: ExchangeFailure): void {
    this.#lose(reason, cause);
  }

  #name(data: Buffer): void {
    const { upstream, url, onAnomaly } = this.#options;
    if (this.#isNamed) return onAnomaly?.('another address for messages, which is not followed');
    this.#isNamed = true;
    const address = resolveAddress(data, url);
    if (address === undefined) {
      const reason = `${url.host} wants messages to go to ${preview(data)}, which is not at ${url.origin}`;
      return this.#refuse(protocolFault(upstream, reason, { host: url.host }));
    }
    this.#begin(address).catch((error: unknown) => this.#refuse(toGatewayError(error)));
  }

  async #begin(address: URL): Promise<void> {
    const { upstream, url, connectMs, maxMessageBytes, clock, onAnomaly } = this.#options;
    const client = { url: address, connectMs, maxMessageBytes, maxConnections: MAX_POSTS_AT_ONCE, ...(clock && { clock }) };
    const posts = await HttpClient.create(client);
    const channel = new SseClientChannel({
      upstream,
      host: url.host,
      posts,
      headers: ['content-type', 'application/json', ...this.#headers],
      closeStream: () => this.#client.close(),
      ...(clock && { clock }),
      ...(onAnomaly && { onAnomaly }),
    });
    this.#stopTimer();
    this.#channel = channel;
    this.#resolve(channel);
    setImmediate(() => this.#deliverEarly(channel));
  }

  #deliverEarly(channel: SseClientChannel): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const message of early) channel.receive(message);
  }

  #take(message: Buffer): void {
    if (this.#early !== undefined) this.#early.push(message);
    else this.#channel?.receive(message);
  }

  #lose(reason: string, cause?: Error): void {
    if (this.#channel !== undefined) return this.#channel.end(reason);
    this.#refuse(unreachable(this.#options.upstream, this.#options.url, { reason, cause }));
  }

  #refuse(error: GatewayError): void {
    this.#stopTimer();
    this.#exchange.abort();
    this.#reject(error);
  }
}

// A server that could send us, with our headers, wherever it likes could have our credentials shown to others.
function resolveAddress(data: Buffer, url: URL): URL | undefined {
  const text = data.toString('utf8');
  if (data.length > MAX_ADDRESS_BYTES || !URL.canParse(text, url.href)) return undefined;
  const address = new URL(text, url);
  return address.origin === url.origin && address.username === '' && address.password === '' ? address : undefined;
}

function unreachable(
  upstream: string,
  { host }: URL,
  { reason, status, cause }: { readonly reason: string; readonly status?: number; readonly cause?: Error | undefined },
): GatewayError {
  return unavailable(upstream, reason, { sent: false, data: { phase: 'connect', host, ...(status !== undefined && { status }) }, cause });
}
