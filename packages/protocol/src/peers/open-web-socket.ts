import { GatewayError, systemClock } from '@signalbox/core';
import { isHandshake } from '../revisions/revisions.ts';
import { connectWebSocket } from '../transports/websocket/connect-web-socket.ts';
import { toAddress } from './address.ts';
import { openChannel, type ChannelConnectOptions } from './channel-client.ts';
import { LastingConnection } from './lasting-connection.ts';
import type { Connection } from './peer.ts';

export interface WebSocketConnectOptions extends ChannelConnectOptions {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** Sent with each upgrade; their values never appear in errors. */
  readonly headers: Readonly<Record<string, string>>;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectMs: number;
  /** Certificates to trust in place of those of the system, in PEM. */
  readonly certificates?: string;
  /** Told why the connection broke, each time another has taken its place. */
  readonly onReopened?: (reason: string) => void;
}

/**
 * Opens a conversation with a server over WebSocket. Short breaks of the connection are bridged.
 * @throws GatewayError as `connectWebSocket` and `openChannel` do.
 */
export async function openWebSocket(options: WebSocketConnectOptions): Promise<Connection> {
  const { upstream, clock = systemClock, onNotification, onForgotten, onReopened, onAnomaly } = options;
  const url = toAddress(upstream, options.url);
  const open = async (connect: ChannelConnectOptions) => openChannel(await connectWebSocket({ ...options, url }), connect);
  const first = await greet(open, options);
  const revision = isHandshake(first.revision) ? 'handshake' : 'modern';
  return new LastingConnection(first, {
    upstream,
    reopen: () => open({ ...options, revision }),
    onNotification,
    clock,
    ...(onForgotten && { onForgotten }),
    ...(onReopened && { onReopened }),
    ...(onAnomaly && { onAnomaly }),
  });
}

// Some servers end the connection when the first thing they hear is not `initialize`. They get another and a plain greeting.
async function greet(open: (connect: ChannelConnectOptions) => Promise<Connection>, options: ChannelConnectOptions): Promise<Connection> {
  try {
    return await open(options);
  } catch (error) {
    const isAfraid = error instanceof GatewayError && error.data?.['asked'] === 'server/discover' && options.revision === 'auto';
    if (!isAfraid) throw error;
    return await open({ ...options, revision: 'handshake' });
  }
}
