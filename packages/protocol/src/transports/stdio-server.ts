import type { Readable, Writable } from 'node:stream';
import { toGatewayError, toMessage, type GatewayError, type Logger, type Seal } from '@signalbox/core';
import { encodeError, toOneLine } from '../messages/encode.ts';
import { LineDecoder } from '../messages/lines.ts';
import { serveChannel, type ChannelServer } from '../peers/channel-server.ts';
import type { RequestHandler } from '../peers/peer.ts';
import type { Channel } from './channel.ts';

export interface StdioServerOptions {
  readonly handler: RequestHandler;
  readonly seal: Seal;
  /** Longest wait for the client's answer to what a server asks it, in milliseconds. Default 10 minutes. */
  readonly inputMs?: number;
  readonly input: Readable;
  readonly output: Writable;
  readonly limits: { readonly maxMessageBytes: number; readonly maxDepth: number };
  readonly logger?: Logger;
}

/** Serves the one client at the other end of a pair of streams, usually stdin and stdout, in either generation. */
export function serveStdio(options: StdioServerOptions): ChannelServer {
  return serveChannel(new StreamChannel(options), options);
}

// What may wait for a client that does not read. It has left its end of the pipe, or will never catch up.
const MAX_UNREAD_BYTES = 268_435_456;
const NEWLINE = Buffer.from('\n');

class StreamChannel implements Channel {
  onMessage: (message: Buffer) => void = () => undefined;
  onClose: (reason: string) => void = () => undefined;
  readonly #input: Readable;
  readonly #output: Writable;
  #isClosed = false;

  constructor({ input, output, limits }: StdioServerOptions) {
    this.#input = input;
    this.#output = output;
    const decoder = new LineDecoder({ maxBytes: limits.maxMessageBytes, onLine: (line) => this.#isClosed || this.onMessage(line) });
    input.on('data', (chunk: Buffer) => {
      if (this.#isClosed) return;
      try {
        decoder.push(chunk);
      } catch (error) {
        this.#refuse(toGatewayError(error));
      }
    });
    input.on('end', () => this.#end('The client closed its end'));
    input.on('error', (error) => this.#end(`Cannot read from the client: ${toMessage(error)}`));
    output.on('error', (error) => this.#end(`Cannot write to the client: ${toMessage(error)}`));
  }

  send(message: Buffer): void {
    if (this.#isClosed) return;
    if (this.#output.writableLength > MAX_UNREAD_BYTES) return this.#end('The client does not read what it is sent');
    this.#output.write(Buffer.concat([toOneLine(message), NEWLINE]));
  }

  close(): Promise<void> {
    this.#end('We closed it');
    return new Promise((resolve) => {
      if (this.#output.writableLength === 0 || this.#output.destroyed) resolve();
      else this.#output.write('', () => resolve());
    });
  }

  // Where the line after an oversize one begins cannot be told without reading on without bound.
  #refuse(error: GatewayError): void {
    this.send(encodeError(undefined, error.toRpc()));
    this.#end(error.message);
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#input.pause();
    this.onClose(reason);
  }
}
