import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A request of a client as what stands behind the server sees it: one of Node, whose body may still be on its way, or one
 * that our own reader has taken in whole.
 */
export type IncomingRequest = IncomingMessage | WholeRequest;

/** A request of which everything has arrived. */
export interface WholeRequest {
  readonly method: string;
  readonly url: string;
  /** By name in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly complete: true;
}

/** Takes the answer to one request: what we need of Node's `ServerResponse`, in its words and with its meaning. */
export interface ResponseWriter {
  /** Whether nobody reads it any more, or it is at its end. */
  readonly destroyed: boolean;
  readonly headersSent: boolean;
  /** Bytes that have been written and not yet been taken by the kernel. */
  readonly writableLength: number;
  /** Whether the connection may carry another request afterwards. */
  shouldKeepAlive: boolean;
  setHeader(name: string, value: string | number): this;
  /** @param headers Names and values in turn. Without `Content-Length` the body is sent in chunks. */
  writeHead(status: number, headers?: string[]): this;
  flushHeaders(): void;
  write(bytes: Buffer): boolean;
  end(body?: Buffer): this;
  /** Text is latin-1 and has been given its length in `Content-Length`. */
  end(body: string, encoding: 'latin1'): this;
  cork(): void;
  uncork(): void;
  destroy(): this;
  /** `close`: the answer is out, or the client has gone; `drain`: after `write` gave false, all has been taken by the kernel. */
  on(event: 'close' | 'drain', listener: () => void): this;
}
