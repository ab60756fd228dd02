import type { Duplex } from 'node:stream';
import { GatewayError, systemClock, type Clock } from '@signalbox/core';
import type { WebSocket } from 'ws';
import { httpFailure } from '../../peers/http-errors.ts';
import { protocolFault, unavailable } from '../../peers/upstream-errors.ts';
import { describeNetworkError } from '../http1/exchange.ts';
import { KeepAlive } from '../keep-alive.ts';
import { CLOSE_MS, SUBPROTOCOL, loadWs } from './load-ws.ts';
import { WebSocketChannel } from './web-socket-channel.ts';

const PING_MS = 15_000;
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
// They belong to the upgrade and to the protocol, whatever the configuration says.
const OWN_HEADERS = /^(host|connection|upgrade|content-length|transfer-encoding|sec-websocket-.*|mcp-.*)$/i;

export interface WebSocketAddress {
  /** Name used in error messages. */
  readonly upstream: string;
  /** `ws:` or `wss:`. */
  readonly url: URL;
  /** Sent with the upgrade; their values never appear in errors. */
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for the connection to open, in milliseconds. */
  readonly connectMs: number;
  /** Largest message accepted, in bytes. */
  readonly maxMessageBytes: number;
  /** Certificates to trust in place of those of the system, in PEM. */
  readonly certificates?: string;
  /** Default: the machine’s clock. */
  readonly clock?: Clock;
}

/**
 * Connects to a server that speaks MCP over WebSocket. A server that stops answering pings is taken for gone within half
 * a minute.
 * @throws GatewayError `UPSTREAM_UNAVAILABLE` (data `phase: 'connect'`, `sent: false`) when it cannot be reached or
 * refuses us, `UPSTREAM_PROTOCOL` when it does not answer as such a server does, `INVALID_CONFIG` for a header or an address that cannot be sent.
 */
export async function connectWebSocket(options: WebSocketAddress): Promise<WebSocketChannel> {
  const { upstream, url, connectMs, maxMessageBytes, clock = systemClock } = options;
  const { host } = url;
  const socket = await start(options);
  let connection: Duplex;
  return await new Promise((resolve, reject) => {
    const fail = (error: GatewayError) => {
      stopTimer();
      reject(error);
      socket.terminate();
    };
    const unreachable = (reason: string, more: { readonly status?: number; readonly cause?: unknown } = {}) => {
      const { status, cause } = more;
      const data = { phase: 'connect', host, ...(status !== undefined && { status }) };
      fail(unavailable(upstream, reason, { sent: false, data, cause }));
    };
    const stopTimer = clock.after(connectMs, () => unreachable(`no connection in ${connectMs} ms`));
    const onError = (error: Error & { readonly code?: string }) => {
      // Errors of the system have a code; the others are about what the server answered.
      if (error.code !== undefined || error instanceof AggregateError) unreachable(describeNetworkError(error), { cause: error });
      else fail(protocolFault(upstream, describeAnswer(host, error.message), { host }));
    };
    socket.on('error', onError);
    socket.on('unexpected-response', (request, { statusCode: status = 0 }) => {
      request.destroy();
      const { data } = httpFailure(upstream, host, { status, mediaType: '', body: Buffer.alloc(0) });
      if (status >= 300) unreachable(String(data?.['reason']), { status });
      else fail(protocolFault(upstream, describeAnswer(host, `HTTP ${status} in place of an upgrade`), { host, status }));
    });
    socket.on('upgrade', (response) => (connection = response.socket));
    socket.on('open', () => {
      stopTimer();
      const channel = new WebSocketChannel({
        socket,
        connection,
        who: 'it',
        maxMessageBytes,
        maxUnreadBytes: MAX_BACKLOG_BYTES,
        farewell: { code: 1000, text: '' },
        closedByUs: 'closed by the gateway',
      });
      // From now on the channel listens.
      socket.off('error', onError);
      const keepAlive = new KeepAlive(clock, PING_MS);
      keepAlive.add(channel);
      socket.on('close', () => keepAlive.close());
      // What the server says at once must wait until the channel has an owner.
      socket.pause();
      setImmediate(() => socket.resume());
      resolve(channel);
    });
  });
}

async function start({ upstream, url, headers, maxMessageBytes, certificates }: WebSocketAddress): Promise<WebSocket> {
  const { WebSocket } = await loadWs();
  const sent = Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.test(name)));
  try {
    return new WebSocket(url, [SUBPROTOCOL], {
      headers: sent,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      closeTimeout: CLOSE_MS,
      ...(certificates !== undefined && { ca: certificates }),
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('INVALID_CONFIG', `Cannot open upstream "${upstream}": ${reason}`, { cause: error, data: { upstream } });
  }
}

function describeAnswer(host: string, message: string): string {
  const what = /subprotocol/i.test(message) ? `it did not choose the subprotocol "${SUBPROTOCOL}"` : message;
  return `${host} does not speak MCP over WebSocket at this address: ${what}`;
}
