// The part of the package that is used here; it comes without types.
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { ClientRequest, IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  interface Limits {
    readonly perMessageDeflate: false;
    /** Largest message accepted, in bytes. */
    readonly maxPayload: number;
    /** Time between our wish to close and the end of the connection, whatever the other side does, in milliseconds. */
    readonly closeTimeout: number;
  }

  export class WebSocket extends EventEmitter {
    static readonly OPEN: 1;
    constructor(
      address: URL | null,
      protocols: readonly string[] | undefined,
      options: Limits & { readonly headers?: Readonly<Record<string, string>>; readonly ca?: string },
    );
    readonly readyState: 0 | 1 | 2 | 3;
    /** Bytes that the kernel has not taken yet. */
    readonly bufferedAmount: number;
    send(data: Buffer, options: { readonly binary: boolean }, done: (error?: Error) => void): void;
    ping(): void;
    pause(): void;
    resume(): void;
    close(code?: number, reason?: string | Buffer): void;
    terminate(): void;
    on(event: 'open', listener: () => void): this;
    on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this;
    on(event: 'close', listener: (code: number, reason: Buffer) => void): this;
    on(event: 'error', listener: (error: Error & { readonly code?: string }) => void): this;
    on(event: 'ping', listener: (data: Buffer) => void): this;
    on(event: 'upgrade', listener: (response: IncomingMessage) => void): this;
    on(event: 'unexpected-response', listener: (request: ClientRequest, response: IncomingMessage) => void): this;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(
      options: Limits & {
        readonly noServer: true;
        readonly clientTracking: false;
        readonly WebSocket: typeof WebSocket;
        readonly handleProtocols: (offered: ReadonlySet<string>) => string | false;
      },
    );
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, onOpen: (webSocket: WebSocket) => void): void;
    on(event: 'wsClientError', listener: (error: Error, socket: Duplex) => void): this;
  }
}
