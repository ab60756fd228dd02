import { mkdir, open, readFile, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError, silentLogger, systemClock, toMessage, type Clock, type LineLog, type Logger } from '@signalbox/core';
import { syncFolder } from './sync-folder.ts';

export interface FileLinesOptions {
  /** Created for its owner alone if it is missing. */
  readonly folder: string;
  /** What the files' names begin with: letters, digits and dashes. */
  readonly name: string;
  /** The process that writes. Each has a file of its own, so that several may share a folder. */
  readonly pid: number;
  /** Files nobody has written to for this long say nothing any more and are removed. In milliseconds. */
  readonly keepMs: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/**
 * Keeps lines in files, readable by their owner alone. Lines appended while the disk is busy are written together, so
 * that many callers share one wait. Reads what earlier processes left, and what others in the same folder have written
 * so far; whoever creates it closes it.
 */
export function createFileLines(options: FileLinesOptions): FileLines {
  return new FileLines(options);
}

interface Appending {
  readonly line: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class FileLines implements LineLog {
  readonly #options: Required<FileLinesOptions>;
  readonly #path: string;
  #file: FileHandle | undefined;
  /** Files of processes that are gone; once their lines stand in ours they are not needed. */
  #inherited: readonly string[] = [];
  /** Lines that will be written together; others may still join. */
  #batch: Appending[] | undefined;
  #tail: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: FileLinesOptions) {
    this.#options = { logger: silentLogger, clock: systemClock, ...options };
    const { folder, name, pid, clock } = this.#options;
    this.#path = join(folder, `${name}.${clock.now().toString(36).padStart(9, '0')}-${pid}.log`);
  }

  /** The lines of all files, in the order in which the files were begun. One that cannot be read counts as empty, and the log says so. */
  read(): Promise<readonly string[]> {
    return this.#inTurn(async () => {
      const inherited: string[] = [];
      const lines: string[] = [];
      for (const path of await this.#files()) {
        if (await this.#isStale(path)) {
          await rm(path, { force: true });
          continue;
        }
        const written = await this.#readLines(path);
        for (const line of written ?? []) lines.push(line);
        // What could not be read now may be read next time.
        if (written !== undefined && this.#isAbandoned(path)) inherited.push(path);
      }
      this.#inherited = inherited;
      return lines;
    });
  }

  /** @throws GatewayError `INTERNAL` when it cannot be written, or the log is closed. */
  append(line: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(this.#failure('it is closed'));
    return new Promise((resolve, reject) => {
      const appending = { line, resolve, reject };
      if (this.#batch !== undefined) return void this.#batch.push(appending);
      const batch = (this.#batch = [appending]);
      void this.#inTurn(() => this.#flush(batch));
    });
  }

  /** Lines of other processes that are still there stay. @throws GatewayError `INTERNAL` when it cannot be written, or the log is closed. */
  async replace(lines: readonly string[]): Promise<void> {
    if (this.#isClosed) throw this.#failure('it is closed');
    const text = toText(lines);
    // What comes from now on belongs behind these lines.
    this.#batch = undefined;
    await this.#inTurn(async () => {
      try {
        await this.#release();
        await this.#writeWhole(text);
        for (const path of this.#inherited) await rm(path, { force: true });
        this.#inherited = [];
      } catch (error) {
        throw this.#failure(toMessage(error), error);
      }
    });
  }

  /** Waits for everything asked for so far and refuses what comes later. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#inTurn(() => this.#release());
  }

  async #flush(batch: readonly Appending[]): Promise<void> {
    if (this.#batch === batch) this.#batch = undefined;
    try {
      const file = await this.#openFile();
      await file.appendFile(toText(batch.map(({ line }) => line)));
      await file.datasync();
      for (const { resolve } of batch) resolve();
    } catch (error) {
      // A piece of a line may be in the file; opening it again sees to it that the next one is not joined to it.
      await this.#release();
      for (const { reject } of batch) reject(this.#failure(toMessage(error), error));
    }
  }

  async #openFile(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    await this.#prepare();
    const file = await open(this.#path, 'a+', 0o600);
    const { size } = await file.stat();
    if (size > 0) {
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
      if (buffer[0] !== 0x0a) await file.appendFile('\n');
    }
    return (this.#file = file);
  }

  async #writeWhole(text: string): Promise<void> {
    await this.#prepare();
    const temporary = `${this.#path}.tmp`;
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.#path);
    await syncFolder(this.#options.folder);
  }

  async #files(): Promise<readonly string[]> {
    const { folder, name } = this.#options;
    try {
      const names = await readdir(folder);
      const own = names.filter((file) => file.startsWith(`${name}.`) && /^[0-9a-z]+-\d+\.log$/.test(file.slice(name.length + 1)));
      return own.toSorted().map((file) => join(folder, file));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#cannotRead(folder, error);
      return [];
    }
  }

  async #readLines(path: string): Promise<readonly string[] | undefined> {
    try {
      const lines = (await readFile(path, 'utf8')).split('\n');
      // What stands behind the last line end was cut off by a crash; an empty text otherwise.
      lines.pop();
      return lines;
    } catch (error) {
      this.#cannotRead(path, error);
      return undefined;
    }
  }

  async #isStale(path: string): Promise<boolean> {
    if (path === this.#path) return false;
    const { clock, keepMs } = this.#options;
    try {
      return (await stat(path)).mtimeMs < clock.now() - keepMs;
    } catch {
      // Another process has removed it in between, which its reading will show.
      return false;
    }
  }

  // A file with our own number is of an earlier life: in a container every process has the same.
  #isAbandoned(path: string): boolean {
    if (path === this.#path) return false;
    const pid = Number(/-(\d+)\.log$/.exec(path)![1]);
    return pid === this.#options.pid || !isRunning(pid);
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
  }

  async #release(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#tail.then(work);
    this.#tail = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  #cannotRead(path: string, error: unknown): void {
    this.#options.logger.error('Cannot read a log of lines', { path, error: toMessage(error) });
  }

  #failure(reason: string, cause?: unknown): GatewayError {
    return new GatewayError('INTERNAL', `Cannot write to "${this.#path}": ${reason}`, { cause });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

function toText(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
