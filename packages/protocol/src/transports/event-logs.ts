import { EventLog } from './event-log.ts';

/** Streams that have ended and are kept for clients whose connection broke off at the very end. */
const MAX_ENDED = 8;
const MAX_ENDED_BYTES = 1_048_576;

/** The numbered streams of one handshake session that can be resumed. Stream 0 is the session's own. */
export class EventLogs {
  readonly #logs = new Map<number, EventLog>();
  readonly #ended: EventLog[] = [];
  #endedBytes = 0;
  #count = 0;

  /** The log of the session's own stream. */
  get general(): EventLog {
    let log = this.#logs.get(0);
    if (log === undefined) this.#logs.set(0, (log = new EventLog(0)));
    return log;
  }

  /** Opens the log of one request's stream. Whoever does ends it with `end`. */
  open(): EventLog {
    const log = new EventLog(++this.#count);
    this.#logs.set(log.stream, log);
    return log;
  }

  find(stream: number): EventLog | undefined {
    return this.#logs.get(stream);
  }

  /** Nothing more comes on that stream. It is kept for a while. */
  end(log: EventLog): void {
    log.end();
    this.#ended.push(log);
    this.#endedBytes += log.bytes;
    while (this.#ended.length > MAX_ENDED || this.#endedBytes > MAX_ENDED_BYTES) {
      const oldest = this.#ended.shift()!;
      this.#endedBytes -= oldest.bytes;
      this.#logs.delete(oldest.stream);
    }
  }
}
