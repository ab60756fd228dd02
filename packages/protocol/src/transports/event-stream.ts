import { SSE_KEEP_ALIVE } from '../messages/sse.ts';
import type { ResponseWriter } from './http-message.ts';
import type { KeptAlive } from './keep-alive.ts';

/** What may wait for a client that reads slowly; beyond it the client is taken for gone. */
export const MAX_UNREAD_BYTES = 1_048_576;

/** Headers of every answer that is a stream of events. `X-Accel-Buffering` keeps proxies from holding events back. */
export const EVENT_STREAM_HEADERS: readonly string[] = [
  'Content-Type',
  'text/event-stream',
  'Cache-Control',
  'no-store',
  'X-Accel-Buffering',
  'no',
];

/** A session's stream of notifications that belong to no request: the answer to its GET. */
export class EventStream implements KeptAlive {
  keepAlivePlace = -1;
  keepAliveDueMs = 0;
  readonly #response: ResponseWriter;

  /** @param onClose Called once, whoever ended the stream. */
  constructor(response: ResponseWriter, onClose: () => void) {
    this.#response = response;
    response.on('close', onClose);
    response.writeHead(200, [...EVENT_STREAM_HEADERS]);
    response.flushHeaders();
  }

  /** Sends one encoded event. A client that leaves too much unread loses its stream and may open another. */
  send(event: Buffer): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableLength > MAX_UNREAD_BYTES) this.#response.destroy();
    else this.#response.write(event);
  }

  keepAlive(): void {
    this.send(SSE_KEEP_ALIVE);
  }

  end(): void {
    this.#response.end();
  }
}
