import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { GatewayError, systemClock, type Clock } from '@signalbox/core';
import { endTree, readStat } from '../../guard/process-tree.js';
import { BLOCK_BYTES, giveBlock, takeBlock } from '../messages/blocks.ts';
import { LentLines } from '../messages/lent-lines.ts';
import { removeLineEnds } from '../messages/lines.ts';
import { preview } from '../messages/message.ts';
import type { Channel } from './channel.ts';
import type { ChildGuard } from './child-guard.ts';
import { ChildOutput } from './child-output.ts';
import { spawnFailure } from './spawn-failure.ts';
import { StderrTail } from './stderr-tail.ts';

const MAX_GARBAGE_IN_A_ROW = 100;
const REPORTED_GARBAGE = 10;
const MAX_STDIN_END_MS = 250;
const GIVE_UP_MS = 2_000;
// How long a better reason, the exit, may follow a broken pipe: on a busy machine it is told of late.
const EXIT_MS = 1_000;
// How long output may follow the exit.
const LINGER_MS = 100;
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024;
// A socket without a backlog takes this much whole or not at all.
const WHOLE_WRITE_BYTES = 16 * 1024;
const STDERR_WINDOW_MS = 100;
const STDERR_BYTES_PER_WINDOW = 256 * 1024;
// Copying what is smaller costs less than asking who wants it.
const LARGE_BYTES = 16 * 1024;

export interface ChildOptions {
  /** Name used in error messages. */
  readonly upstream: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Time between asking the process to end and killing it with all its descendants, in milliseconds. */
  readonly stopMs: number;
  readonly maxMessageBytes: number;
  /** Ends the process when this one is killed. */
  readonly guard?: ChildGuard;
  readonly clock?: Clock;
  /** Lines of stderr kept. Default 100. */
  readonly stderrLines?: number;
  readonly onStderr?: (line: string) => void;
  /** Told of the first ten lines on stdout that are no MCP messages: how each begins. */
  readonly onGarbage?: (preview: string) => void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A channel over the standard input and output of a child process. Closing it ends the process with all its descendants. */
export interface ChildChannel extends Channel {
  readonly pid: number;
  /** Last lines the process wrote to stderr, oldest first. */
  stderr(): readonly string[];
  /** Lines on stdout that were no MCP messages, so far. */
  readonly garbage: number;
  readonly exited: Promise<ChildExit>;
}

/**
 * Starts a program that speaks MCP on stdin and stdout, without a shell and in a process group of its own.
 * @throws GatewayError `UPSTREAM_UNAVAILABLE` (data `phase: 'spawn'`, `sent: false`) when it cannot be started.
 */
export async function startChild(options: ChildOptions): Promise<ChildChannel> {
  const name = 'SIGNALBOX_CHILD';
  const id = randomUUID();
  const output = new ChildOutput();
  await output.open();
  let child;
  try {
    child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...options.env, [name]: id },
      detached: true,
      stdio: ['pipe', output.theirs, 'pipe'],
      windowsHide: true,
    });
  } catch (error) {
    output.close();
    throw await spawnFailure(options, error);
  }
  // Whether the start has failed is known at once; why, only from the event that follows.
  const { pid } = child;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    output.close();
    throw await spawnFailure(options, error);
  }
  const { stdin, stderr } = child;
  const streams = { stdin: stdin!, stdout: output.given(child), stderr: stderr! };
  const channel = new StdioChild(child, { pid, mark: `${name}=${id}`, options, streams });
  output.onRead = (chunk) => channel.read(chunk);
  return channel;
}

interface ChildStreams {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
}

class StdioChild implements ChildChannel {
  onMessage: (message: Buffer) => void = () => undefined;
  onLargeMessage: (message: Buffer) => boolean = () => false;
  onClose: (reason: string, undelivered?: number) => void = () => undefined;
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  garbage = 0;
  readonly #streams: ChildStreams;
  readonly #mark: string;
  readonly #options: ChildOptions;
  readonly #clock: Clock;
  readonly #startedAt: Promise<string | undefined>;
  readonly #tail: StderrTail;
  readonly #lines: LentLines;
  #queue: Buffer[] = [];
  /** Messages of the last write, if a failure means that none of them has left. */
  #lastWritten = 0;
  #undelivered = 0;
  #garbageInARow = 0;
  #stderrBytes = 0;
  #exit: ChildExit | undefined;
  #isClosed = false;
  #stopping: Promise<void> | undefined;

  constructor(
    child: ChildProcess,
    {
      pid,
      mark,
      options,
      streams,
    }: { readonly pid: number; readonly mark: string; readonly options: ChildOptions; readonly streams: ChildStreams },
  ) {
    this.pid = pid;
    this.#streams = streams;
    this.#mark = mark;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = readStat(this.pid).then((found) => found?.startedAt);
    this.#tail = new StderrTail({
      ...(options.stderrLines === undefined ? {} : { maxLines: options.stderrLines }),
      ...(options.onStderr === undefined ? {} : { onLine: options.onStderr }),
    });
    this.#lines = new LentLines({ maxBytes: options.maxMessageBytes, onLine: (line) => this.#take(line) });
    options.guard?.add(pid, mark);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
        this.#end(describeExit(this.#exit));
      });
    });
    streams.stdout.once('end', () => this.#end('it closed its stdout', EXIT_MS));
    streams.stdout.on('error', (error) => this.#end(`reading its stdout failed: ${error.message}`));
    streams.stdin.on('error', (error) => {
      this.#undelivered += this.#lastWritten;
      this.#end(`it no longer reads its stdin (${error.message})`, EXIT_MS);
    });
    streams.stderr.on('data', (chunk: Buffer) => this.#readStderr(chunk));
    child.on('error', (error) => this.#end(error.message));
    streams.stderr.on('error', (error) => this.#tail.push(Buffer.from(`(reading stderr failed: ${error.message})\n`)));
  }

  stderr(): readonly string[] {
    return this.#tail.lines;
  }

  // What is sent in one turn of the event loop leaves in one write, whichever clients it comes from: a write costs us and
  // the program more than the message does.
  send(message: Buffer): void {
    if (this.#isClosed) return;
    if (this.#queue.length === 0) setImmediate(() => this.#flush());
    this.#queue.push(message);
  }

  close(): Promise<void> {
    this.#finish('closed by the gateway');
    return this.#stop();
  }

  #flush(): void {
    const queue = this.#queue;
    this.#queue = [];
    const { stdin } = this.#streams;
    if (this.#isClosed) return;
    if (!stdin.writable) {
      this.#undelivered += queue.length;
      return;
    }
    const length = queue.reduce((sum, message) => sum + message.length + 1, 0);
    this.#lastWritten = stdin.writableLength === 0 && length <= WHOLE_WRITE_BYTES ? queue.length : 0;
    const block = length <= BLOCK_BYTES ? takeBlock() : undefined;
    stdin.write(joinLines(queue, block?.subarray(0, length) ?? Buffer.allocUnsafe(length)));
    if (block !== undefined && stdin.writableLength === 0) giveBlock(block);
    if (stdin.writableLength > MAX_BACKLOG_BYTES) this.#finish(`it does not read its stdin: ${stdin.writableLength} bytes are waiting`);
  }

  /** Takes output of the child, which is only lent. */
  read(chunk: Buffer): void {
    if (this.#isClosed) return;
    try {
      this.#lines.push(chunk);
    } catch (error) {
      // Of the errors below only this one is about the child's output; the rest must not pass for it.
      if (!(error instanceof GatewayError && error.code === 'TOO_LARGE')) throw error;
      this.#finish(`it sent a message of more than ${this.#options.maxMessageBytes} bytes`);
    }
  }

  #take(line: Buffer): void {
    if (this.#isClosed) return;
    if (isObjectText(line)) {
      this.#garbageInARow = 0;
      return this.#pass(line);
    }
    this.garbage++;
    if (this.garbage <= REPORTED_GARBAGE) this.#options.onGarbage?.(preview(line));
    if (++this.#garbageInARow > MAX_GARBAGE_IN_A_ROW) {
      this.#finish(
        `more than ${MAX_GARBAGE_IN_A_ROW} lines in a row on its stdout are no MCP messages; the last begins with ${preview(line)}`,
      );
    }
  }

  #pass(line: Buffer): void {
    if (line.length < LARGE_BYTES || !this.onLargeMessage(line)) this.onMessage(Buffer.from(line));
  }

  // A program that floods stderr is read slowly, so that it waits and not we.
  #readStderr(chunk: Buffer): void {
    this.#tail.push(chunk);
    if (this.#stderrBytes === 0) {
      this.#clock.after(STDERR_WINDOW_MS, () => {
        this.#stderrBytes = 0;
        this.#streams.stderr.resume();
      });
    }
    this.#stderrBytes += chunk.length;
    if (this.#stderrBytes > STDERR_BYTES_PER_WINDOW && !this.#isClosed) this.#streams.stderr.pause();
  }

  #end(reason: string, lingerMs = LINGER_MS): void {
    if (this.#isClosed) return;
    if (this.#exit !== undefined && this.#streams.stdout.readableEnded) return this.#finish(describeExit(this.#exit));
    this.#clock.after(lingerMs, () => this.#finish(this.#exit === undefined ? reason : describeExit(this.#exit)));
  }

  #finish(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    void this.#stop();
    this.onClose(reason, this.#undelivered + this.#queue.length);
  }

  #stop(): Promise<void> {
    return (this.#stopping ??= this.#endProcess());
  }

  async #endProcess(): Promise<void> {
    const { stopMs, guard } = this.#options;
    const { stdin, stdout, stderr } = this.#streams;
    stderr.resume();
    stdin.end();
    if (this.#exit === undefined) await this.#waitForExit(Math.min(MAX_STDIN_END_MS, stopMs / 4));
    const tree = { pid: this.pid, startedAt: await this.#startedAt, mark: this.#mark };
    await endTree(tree, { graceMs: stopMs, giveUpMs: GIVE_UP_MS });
    if (this.#exit === undefined) await this.#waitForExit(LINGER_MS);
    guard?.remove(this.pid);
    for (const stream of [stdin, stdout, stderr]) stream.destroy();
  }

  #waitForExit(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#clock.after(ms, resolve);
      void this.exited.then(stop).then(resolve);
    });
  }
}

// Writes messages one to a line. What clients send may have line ends of its own, behind which a second message could hide.
function joinLines(messages: readonly Buffer[], bytes: Buffer): Buffer {
  let at = 0;
  for (const message of messages) {
    const end = at + message.copy(bytes, at);
    removeLineEnds(bytes.subarray(at, end));
    bytes[end] = NEWLINE;
    at = end + 1;
  }
  return bytes;
}

const NEWLINE = 0x0a;

function isObjectText(line: Buffer): boolean {
  let start = 0;
  let end = line.length - 1;
  while (line[start] === 0x20 || line[start] === 0x09) start++;
  while (line[end] === 0x20 || line[end] === 0x09) end--;
  return line[start] === 0x7b && line[end] === 0x7d;
}

function describeExit({ code, signal }: ChildExit): string {
  return signal === null ? `the process exited with code ${code}` : `the process was ended by ${signal}`;
}
