import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { systemClock, type Clock } from '@signalbox/core';

const PROGRAM = fileURLToPath(new URL('../../guard/child-guard.js', import.meta.url));
// The guard holds a list of numbers; it needs next to nothing.
const FLAGS = ['--max-old-space-size=16', '--max-semi-space-size=1'];
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;

/** Sees to it that children end with this process, however it ends. */
export interface ChildGuard {
  /** Number of the guard's own process, while it runs. */
  readonly pid: number | undefined;
  /** @param mark Text that the child and its descendants carry in their environment, `NAME=value` without spaces. */
  add(pid: number, mark: string): void;
  remove(pid: number): void;
  /** Ends the guard, and with it every child still listed. Resolves when it has exited. */
  close(): Promise<void>;
}

/** Creates the guard of this process. Its helper process starts with the first child and starts again when it dies. */
export function createChildGuard(options: { readonly clock?: Clock } = {}): ChildGuard {
  return new GuardProcess(options.clock ?? systemClock);
}

class GuardProcess implements ChildGuard {
  readonly #clock: Clock;
  readonly #children = new Map<number, string>();
  #process: ChildProcess | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #isWaiting = false;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  add(pid: number, mark: string): void {
    this.#children.set(pid, mark);
    if (this.#process === undefined) this.#start();
    else this.#write(`add ${pid} ${mark}\n`);
  }

  remove(pid: number): void {
    if (this.#children.delete(pid)) this.#write(`remove ${pid}\n`);
  }

  close(): Promise<void> {
    this.#isClosed = true;
    const guard = this.#process;
    if (guard === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      guard.ref();
      guard.once('exit', () => resolve());
      guard.stdin?.end();
    });
  }

  #write(line: string): void {
    this.#process?.stdin?.write(line);
  }

  #start(): void {
    if (this.#isClosed || this.#isWaiting) return;
    // A session of its own keeps the guard out of signals meant for the gateway's terminal or group.
    const guard = spawn(process.execPath, [...FLAGS, PROGRAM], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env: {} });
    this.#process = guard;
    const lost = () => {
      if (this.#process !== guard) return;
      this.#process = undefined;
      this.#restart();
    };
    guard.once('exit', lost);
    guard.once('error', lost);
    // Without this, writing to a guard that has just died would end the gateway; its exit is what counts.
    guard.stdin.on('error', lost);
    guard.unref();
    if ('unref' in guard.stdin && typeof guard.stdin.unref === 'function') guard.stdin.unref();
    for (const [pid, mark] of this.#children) this.#write(`add ${pid} ${mark}\n`);
  }

  #restart(): void {
    if (this.#isClosed || this.#children.size === 0) return;
    this.#isWaiting = true;
    this.#clock.after(this.#backoffMs, () => {
      this.#isWaiting = false;
      this.#start();
    });
    this.#backoffMs = Math.min(MAX_BACKOFF_MS, this.#backoffMs * 2);
  }
}
