import { appendFileSync, closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { toMessage } from '@signalbox/core';
import type { DestinationStream } from 'pino';
import { createStream } from 'rotating-file-stream';

export interface FileDestinationOptions {
  readonly path: string;
  /** Size at which the file is rotated to `<path>.1`, `.1` to `.2` and so on. */
  readonly maxBytes: number;
  /** Rotated files that are kept. */
  readonly keep: number;
  /** Takes the lines when the file cannot be written. */
  readonly fallback: DestinationStream;
}

export interface FileDestination extends DestinationStream {
  write(line: string): void;
  /** Writes what waits before returning. */
  flushSync(): void;
  /** Waits until everything is in the file. Later lines go to the fallback. */
  close(): Promise<void>;
}

/**
 * A log file, readable by its owner alone, that rotates by size. Lines wait for the end of the turn, or a few milliseconds while
 * many come, and are then written together without blocking; when the process exits first, they are written at once.
 */
export function createFileDestination(options: FileDestinationOptions): FileDestination {
  return new RotatedFile(options);
}

const MAX_WAITING = 16 * 1024 * 1024;
const MAX_BATCH = 64 * 1024;
/** Least time between two batches that are not full, in milliseconds: a write costs the same for one line and for many. */
const PACE_MS = 10;
/** The file is measured after each batch, so one may exceed the bound by this part of it. */
const BATCH_SHARE = 1 / 8;

class RotatedFile implements FileDestination {
  readonly #path: string;
  readonly #maxBatch: number;
  readonly #fallback: DestinationStream;
  readonly #stream: ReturnType<typeof createStream>;
  readonly #onExit = () => this.#finish();
  #waiting: string[] = [];
  #waitingLength = 0;
  /** What the stream was given and has not confirmed. */
  #inFlight = '';
  /** Bytes written past the stream since then. */
  #bytesBehind = 0;
  #isScheduled = false;
  #pumpedAtMs = Number.NEGATIVE_INFINITY;
  #isOpen = true;
  #onIdle: (() => void) | undefined;

  constructor({ path, maxBytes, keep, fallback }: FileDestinationOptions) {
    this.#path = path;
    this.#maxBatch = Math.min(MAX_BATCH, maxBytes * BATCH_SHARE);
    this.#fallback = fallback;
    makeFolder(dirname(path));
    this.#stream = createStream(path, { size: `${maxBytes}B`, rotate: keep, mode: 0o600 });
    this.#stream.on('error', (error) => this.#giveUp(error));
    process.on('exit', this.#onExit);
  }

  write(line: string): void {
    if (!this.#isOpen) return void this.#fallback.write(line);
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    // Nobody lets us write: better to block than to hold without bound.
    if (this.#waitingLength > MAX_WAITING) this.flushSync();
    else this.#schedule();
  }

  flushSync(): void {
    const text = this.#takeWaiting(Number.POSITIVE_INFINITY);
    if (text !== '') this.#append(text);
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    if (this.#waiting.length > 0 || this.#inFlight !== '') {
      const idle = new Promise<void>((resolve) => (this.#onIdle = resolve));
      this.#pump();
      await idle;
    }
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#onExit);
    await new Promise<void>((resolve) => this.#stream.end(resolve));
  }

  #schedule(): void {
    if (this.#isScheduled || this.#inFlight !== '') return;
    this.#isScheduled = true;
    const pump = (): void => {
      this.#isScheduled = false;
      this.#pump();
    };
    const waitMs = this.#pumpedAtMs + PACE_MS - performance.now();
    if (waitMs > 0 && this.#waitingLength < this.#maxBatch) setTimeout(pump, waitMs).unref();
    else setImmediate(pump);
  }

  // One batch at a time, so that we know at every moment what is not in the file yet.
  #pump(): void {
    if (!this.#isOpen || this.#inFlight !== '') return;
    this.#inFlight = this.#takeWaiting(this.#maxBatch);
    this.#bytesBehind = 0;
    if (this.#inFlight === '') return this.#onIdle?.();
    this.#pumpedAtMs = performance.now();
    this.#stream.write(this.#inFlight, (error) => {
      if (error) return this.#giveUp(error);
      this.#inFlight = '';
      if (this.#onIdle !== undefined) this.#pump();
      else if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #takeWaiting(maxLength: number): string {
    let count = 0;
    for (let length = 0; count < this.#waiting.length && length < maxLength; count++) length += this.#waiting[count]!.length;
    const text = this.#waiting.splice(0, count).join('');
    this.#waitingLength -= text.length;
    return text;
  }

  /** The process ends: nothing asynchronous will happen any more. */
  #finish(): void {
    const unconfirmed = this.#inFlight;
    this.#inFlight = '';
    if (unconfirmed !== '' && !hasNearEnd(this.#path, unconfirmed, this.#bytesBehind)) this.#append(unconfirmed);
    this.flushSync();
  }

  #append(text: string): void {
    try {
      appendFileSync(this.#path, text, { mode: 0o600 });
      this.#bytesBehind += Buffer.byteLength(text);
    } catch (error) {
      this.#giveUp(error);
      this.#passOn(text);
    }
  }

  #giveUp(error: unknown): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#onExit);
    this.#stream.destroy();
    const fields = {
      level: 'error',
      time: new Date().toISOString(),
      msg: `Cannot write the log file "${this.#path}": ${toMessage(error)}; logging here`,
    };
    this.#fallback.write(`${JSON.stringify(fields)}\n`);
    const lines = this.#inFlight + this.#takeWaiting(Number.POSITIVE_INFINITY);
    this.#inFlight = '';
    this.#passOn(lines);
    this.#onIdle?.();
  }

  #passOn(lines: string): void {
    for (const line of lines.split(/(?<=\n)/)) if (line !== '') this.#fallback.write(line);
  }
}

// Here rather than by the stream, which would make it later and open to all.
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    // The stream meets the same obstacle when it opens the file, and that is where we give up.
  }
}

function hasNearEnd(path: string, text: string, bytesBehind: number): boolean {
  const expected = Buffer.from(text);
  try {
    const file = openSync(path, 'r');
    try {
      const tail = Buffer.alloc(expected.length + bytesBehind);
      readSync(file, tail, 0, tail.length, Math.max(0, fstatSync(file).size - tail.length));
      return tail.includes(expected);
    } finally {
      closeSync(file);
    }
  } catch {
    // Not there to be read: then it does not hold the text either.
    return false;
  }
}
