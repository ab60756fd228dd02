import { encodeEvent } from '../messages/sse.ts';

/** What is kept of one stream for a client that comes back. */
const MAX_EVENTS = 256;
const MAX_BYTES = 1_048_576;

/**
 * The events of one stream of a handshake session, numbered, so that a client whose connection broke off can have those it
 * missed. Bounded: what falls out can no longer be had.
 * @see https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery
 */
export class EventLog {
  /** Number of the stream in its session. */
  readonly stream: number;
  readonly #events: Buffer[] = [];
  /** Number of the first event that is kept; the priming event has 0. */
  #first = 1;
  #bytes = 0;
  #isEnded = false;
  #sink: EventSink | undefined;

  constructor(stream: number) {
    this.stream = stream;
  }

  /** Whether nothing more will come. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Numbers and keeps a message, and hands it to whoever took the stream over. Returns the event. */
  append(message: Buffer): Buffer {
    const event = encodeEvent(message, `${this.stream}.${this.#first + this.#events.length}`);
    this.#events.push(event);
    this.#bytes += event.length;
    while (this.#events.length > MAX_EVENTS || this.#bytes > MAX_BYTES) {
      this.#bytes -= this.#events.shift()!.length;
      this.#first++;
    }
    this.#sink?.send(event);
    return event;
  }

  /** Something is sent that is not kept, so nobody can go on from here. */
  skip(): void {
    this.#first += this.#events.length + 1;
    this.#events.length = 0;
    this.#bytes = 0;
  }

  /** Nothing more will come. */
  end(): void {
    this.#isEnded = true;
    this.#sink?.end();
    this.#sink = undefined;
  }

  /** Tells whether everything after event `position` is kept. */
  has(position: number): boolean {
    return position + 1 >= this.#first && position < this.#first + this.#events.length;
  }

  /** Gives `sink` everything after event `position`. @returns false, and gives nothing, when some of it is not kept any more. */
  replay(position: number, sink: EventSink): boolean {
    if (!this.has(position)) return false;
    const missed = this.#events.slice(position + 1 - this.#first);
    if (missed.length > 0) sink.send(missed.length === 1 ? missed[0]! : Buffer.concat(missed));
    return true;
  }

  /** As `replay`, and `sink` gets whatever follows in place of any other, and is ended when the stream is. */
  resume(position: number, sink: EventSink): void {
    this.#sink?.end();
    this.#sink = undefined;
    this.replay(position, sink);
    if (this.#isEnded) sink.end();
    else this.#sink = sink;
  }

  /** The sink has gone; events are only kept again. */
  leave(sink: EventSink): void {
    if (this.#sink === sink) this.#sink = undefined;
  }
}

/** Takes the events of a stream. */
export interface EventSink {
  send(event: Buffer): void;
  end(): void;
}

/** Reads the place a client wants to go on from. @returns `undefined` for text that is none of ours. */
export function readPosition(lastEventId: string): { readonly stream: number; readonly position: number } | undefined {
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(lastEventId);
  return match === null ? undefined : { stream: Number(match[1]), position: Number(match[2]) };
}

/** An event without a message that gives a client the place to come back to, and tells it how long to wait before. */
export function encodePriming(stream: number, retryMs: number): Buffer {
  return Buffer.from(`id: ${stream}.0\nretry: ${retryMs}\ndata: \n\n`);
}
