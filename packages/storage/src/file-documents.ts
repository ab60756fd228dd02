import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError, silentLogger, systemClock, toMessage, type Clock, type DocumentStore, type Logger } from '@signalbox/core';
import { checkKey, toDocumentText } from './document.ts';

export interface FileDocumentsOptions {
  /** Created for its owner alone if it is missing. */
  readonly folder: string;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/**
 * Keeps each document in its own file, readable by its owner alone. A file is replaced whole or not at all.
 * What is done to one key happens in order; writes that have not begun when a newer one comes are skipped, and settle with it.
 * A file that holds no JSON reads as `undefined` and is set aside as `<key>.broken-<time>`.
 * One store per folder and process.
 */
export function createFileDocuments({ folder, logger = silentLogger, clock = systemClock }: FileDocumentsOptions): FileDocuments {
  return new FileDocuments(folder, logger, clock);
}

interface Replacement {
  /** `undefined` removes the file. */
  text: string | undefined;
  done: Promise<void>;
}

interface Lane {
  tail: Promise<void>;
  length: number;
  /** The write at the end of the lane that has not begun yet. */
  waiting: Replacement | undefined;
}

const ABANDONED_MS = 3_600_000;

export class FileDocuments implements DocumentStore {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  #prepared: Promise<void> | undefined;
  #isClosed = false;

  constructor(folder: string, logger: Logger, clock: Clock) {
    this.#folder = folder;
    this.#logger = logger;
    this.#clock = clock;
  }

  async read(key: string): Promise<unknown> {
    checkKey(key);
    return this.#enqueue(key, () => this.#load(key));
  }

  /** @throws GatewayError `INTERNAL` when the document is not JSON, cannot be written, or the store is closed. */
  async write(key: string, document: unknown): Promise<void> {
    checkKey(key);
    // Turned into text at once, so that the caller may go on changing the document.
    return this.#replace(key, toDocumentText(key, document));
  }

  async remove(key: string): Promise<void> {
    checkKey(key);
    return this.#replace(key, undefined);
  }

  /** Waits for everything asked for so far. A write that fails tells its own caller, not this one. */
  async flush(): Promise<void> {
    while (this.#lanes.size > 0) await Promise.all([...this.#lanes.values()].map((lane) => lane.tail));
  }

  /** Waits for everything asked for so far and refuses later writes. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  #replace(key: string, text: string | undefined): Promise<void> {
    if (this.#isClosed) throw new GatewayError('INTERNAL', `Cannot write document "${key}": the store is closed`);
    const waiting = this.#lanes.get(key)?.waiting;
    if (waiting !== undefined) {
      waiting.text = text;
      return waiting.done;
    }
    const replacement: Replacement = { text, done: Promise.resolve() };
    replacement.done = this.#enqueue(key, async () => {
      const lane = this.#lanes.get(key);
      if (lane?.waiting === replacement) lane.waiting = undefined;
      await this.#save(key, replacement.text);
    });
    this.#lanes.get(key)!.waiting = replacement;
    return replacement.done;
  }

  #enqueue<T>(key: string, run: () => Promise<T>): Promise<T> {
    const lane = this.#lanes.get(key) ?? { tail: Promise.resolve(), length: 0, waiting: undefined };
    this.#lanes.set(key, lane);
    const done = lane.tail.then(run);
    lane.length += 1;
    lane.tail = this.#leave(key, lane, done);
    return done;
  }

  async #leave(key: string, lane: Lane, done: Promise<unknown>): Promise<void> {
    await Promise.allSettled([done]);
    lane.length -= 1;
    if (lane.length === 0) this.#lanes.delete(key);
  }

  async #load(key: string): Promise<unknown> {
    const path = this.#pathOf(key);
    try {
      return JSON.parse(await readFile(path, 'utf8')) as unknown;
    } catch (cause) {
      const code = codeOf(cause);
      if (code === 'ENOENT') return undefined;
      const lasts = cause instanceof SyntaxError || code === 'EISDIR' || code === 'EACCES' || code === 'EPERM';
      // Anything else, such as too many open files, says nothing about the file: it stays where it is.
      if (lasts) await this.#setAside(key, cause);
      else this.#logger.warn(`Cannot read document "${key}": ${toMessage(cause)}`, { path });
      return undefined;
    }
  }

  async #setAside(key: string, cause: unknown): Promise<void> {
    const path = this.#pathOf(key);
    const time = new Date(this.#clock.now()).toISOString().replaceAll(':', '-');
    const aside = join(this.#folder, `${key}.broken-${time}`);
    try {
      await rename(path, aside);
      this.#logger.warn(`Cannot read document "${key}", set it aside: ${toMessage(cause)}`, { path, aside });
    } catch (error) {
      this.#logger.warn(`Cannot read document "${key}" nor set it aside: ${toMessage(cause)}; ${toMessage(error)}`, { path });
    }
  }

  async #save(key: string, text: string | undefined): Promise<void> {
    const path = this.#pathOf(key);
    try {
      if (text === undefined) return await rm(path, { force: true });
      await (this.#prepared ??= this.#prepare());
      const temporary = join(this.#folder, `${key}.${randomUUID()}.tmp`);
      try {
        await writeDurably(temporary, text);
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    } catch (cause) {
      this.#prepared = undefined;
      throw new GatewayError('INTERNAL', `Cannot write document "${key}" to "${path}": ${toMessage(cause)}`, { cause });
    }
  }

  async #prepare(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      if (name.endsWith('.tmp')) await this.#removeAbandoned(join(this.#folder, name));
    }
  }

  /** Removes a temporary file a crash has left, once it is too old to be in use by another process. */
  async #removeAbandoned(path: string): Promise<void> {
    try {
      const { mtimeMs } = await stat(path);
      if (this.#clock.now() - mtimeMs > ABANDONED_MS) await rm(path, { force: true });
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  #pathOf(key: string): string {
    return join(this.#folder, `${key}.json`);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
