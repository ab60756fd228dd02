import type { ServerResponse } from 'node:http';
import { SSE_KEEP_ALIVE, encodeEvent } from '../../messages/sse.ts';
import type { ClientChannel } from '../channel-clients.ts';
import { EVENT_STREAM_HEADERS } from '../event-stream.ts';

const MAX_UNREAD_BYTES = 16 * 1024 * 1024;

/** A channel to a client of the HTTP+SSE transport: what we say goes out on the stream, what it says comes in by POST. */
export class SseServerChannel implements ClientChannel {
  onMessage: (message: Buffer) => void = () => undefined;
  onClose: (reason: string) => void = () => undefined;
  keepAlivePlace = -1;
  keepAliveDueMs = 0;
  readonly #response: ServerResponse;
  readonly #gone: Promise<void>;
  #isStuck = false;
  #isClosed = false;

  /** @param address Where the client shall POST its messages. */
  constructor(response: ServerResponse, address: string) {
    this.#response = response;
    this.#gone = new Promise((resolve) => {
      response.on('close', () => {
        this.#finish('The client closed its stream');
        resolve();
      });
    });
    response.writeHead(200, [...EVENT_STREAM_HEADERS]);
    response.write(`event: endpoint\ndata: ${address}\n\n`);
  }

  get unreadBytes(): number {
    return this.#response.writableLength;
  }

  send(message: Buffer): void {
    if (this.#isClosed || this.#isStuck) return;
    if (this.unreadBytes > MAX_UNREAD_BYTES) this.#becomeStuck();
    else this.#response.write(encodeEvent(message));
  }

  keepAlive(): void {
    if (!this.#isClosed) this.#response.write(SSE_KEEP_ALIVE);
  }

  close(): Promise<void> {
    this.#finish('The gateway is closing');
    this.#response.end();
    return this.#gone;
  }

  // Whoever sends is in the middle of it and must not be told in between that all is over.
  #becomeStuck(): void {
    this.#isStuck = true;
    queueMicrotask(() => {
      this.#finish('The client does not read what it is sent');
      this.#response.destroy();
    });
  }

  #finish(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose(reason);
  }
}
