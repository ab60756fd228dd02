import type { WebSocket, WebSocketServer } from 'ws';

/** What a client must offer and a server must choose. */
export const SUBPROTOCOL = 'mcp';
/** How long the other side may take to agree to the end of a connection, in milliseconds. */
export const CLOSE_MS = 1_000;

// The package ends a connection over a bad frame with a code alone; people read words.
const REASONS: Readonly<Record<number, string>> = {
  1002: 'Cannot read this frame',
  1007: 'Cannot read text that is not UTF-8',
  1008: 'Cannot accept a message in so many fragments',
  1009: 'Cannot accept a message of this size',
};

export interface Ws {
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketServer: typeof WebSocketServer;
}

let loading: Promise<Ws> | undefined;

/** Loads the package with the first connection: it takes longer to load than a gateway without one has to start. */
export function loadWs(): Promise<Ws> {
  return (loading ??= import('ws').then(({ WebSocket, WebSocketServer }) => {
    class ReasonedWebSocket extends WebSocket {
      override close(code?: number, reason?: string | Buffer): void {
        super.close(code, reason ?? (code === undefined ? undefined : REASONS[code]));
      }
    }
    return { WebSocket: ReasonedWebSocket, WebSocketServer };
  }));
}
