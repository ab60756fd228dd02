import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { createSocketPair, type SocketPair } from './socket-pair.ts';

/** Where a child writes its messages to. Whoever opened it closes it, or gives it to a child and closes what that gives. */
export class ChildOutput {
  /** Gets what has arrived, in bytes that are only lent. */
  onRead: (chunk: Buffer) => void = () => undefined;
  #pair: SocketPair | undefined;

  async open(): Promise<void> {
    // Where it cannot be had, an ordinary pipe does the same for more.
    this.#pair = await createSocketPair((bytes, length) => this.onRead(bytes.subarray(0, length))).catch(() => undefined);
    this.#pair?.ours.on('error', () => undefined);
  }

  get theirs(): 'pipe' | Writable {
    return this.#pair?.theirs ?? 'pipe';
  }

  /** The child has been started with it. @returns what is to be watched for its end. */
  given(child: ChildProcess): Readable {
    if (this.#pair === undefined) return child.stdout!.on('data', (chunk: Buffer) => this.onRead(chunk));
    // With our copy of its end open, we would never hear that the child has closed it.
    this.#pair.theirs.destroy();
    return this.#pair.ours;
  }

  close(): void {
    this.#pair?.theirs.destroy();
    this.#pair?.ours.destroy();
  }
}
