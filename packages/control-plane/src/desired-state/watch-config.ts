import { unwatchFile, watch, watchFile, type FSWatcher } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { configProblems, silentLogger, systemClock, toGatewayError, toMessage, type Clock, type Logger } from '@signalbox/core';
import { renderProblem } from './config-source.ts';

export interface WatchConfigOptions {
  readonly path: string;
  /** Reads the file again and applies it. Rejects when it is invalid. */
  readonly reload: (reason: string) => Promise<unknown>;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Time from the first sign of a change to the first look at the file, and between looks until it stands still, in milliseconds. Default 100. */
  readonly debounceMs?: number;
  /** Time between looks at the file where the system reports no changes, in milliseconds. Default 1000. */
  readonly pollMs?: number;
  /** Look at the file from time to time from the start, as on network drives that report nothing. Default false. */
  readonly usePolling?: boolean;
}

/**
 * Reloads the configuration whenever its file changes, also when an editor replaces the file or it is away for a while.
 * An edit that is invalid changes nothing and is logged with its place. Does not keep the process alive.
 * @returns a function that stops watching.
 */
export function watchConfig(options: WatchConfigOptions): () => void {
  const watcher = new ConfigWatcher(options);
  watcher.start(options.usePolling ?? false);
  return () => watcher.stop();
}

/** An empty file is one that a slow writer has just begun, far more often than one that is meant: it gets this many looks. */
const EMPTY_LOOKS = 10;

class ConfigWatcher {
  readonly #path: string;
  readonly #reload: WatchConfigOptions['reload'];
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #debounceMs: number;
  readonly #pollMs: number;
  readonly #look = () => this.#schedule();
  #folder: FSWatcher | undefined;
  #isPolling = false;
  #isStopped = false;
  #isChecking = false;
  #cancelTimer: (() => void) | undefined;
  /** Of the file that was read last. */
  #fingerprint = '';
  #seen = '';
  /** Looks in a row, the last ones, at which the file was the same. */
  #sameLooks = 0;

  constructor(options: WatchConfigOptions) {
    this.#path = resolve(options.path);
    this.#reload = options.reload;
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
    this.#debounceMs = options.debounceMs ?? 100;
    this.#pollMs = options.pollMs ?? 1000;
  }

  start(usePolling: boolean): void {
    if (usePolling) this.#poll();
    else this.#watchFolder();
    // The file may have changed between the first load and now.
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#folder?.close();
    if (this.#isPolling) unwatchFile(this.#path, this.#look);
  }

  // The folder rather than the file: a watch on a file follows the old one when an editor replaces it.
  #watchFolder(): void {
    try {
      this.#folder = watch(dirname(this.#path), { persistent: false }, this.#look);
      this.#folder.on('error', (error) => this.#poll(error));
    } catch (error) {
      this.#poll(error);
    }
  }

  #poll(reason?: unknown): void {
    if (this.#isPolling || this.#isStopped) return;
    this.#isPolling = true;
    if (reason !== undefined) this.#logger.debug(`Watching "${this.#path}" by looking from time to time: ${toMessage(reason)}`);
    watchFile(this.#path, { persistent: false, interval: this.#pollMs }, this.#look);
  }

  // Counts from the first sign and is not put off by later ones: a folder in which something is always written must not starve us.
  #schedule(): void {
    if (this.#isStopped || this.#cancelTimer !== undefined) return;
    this.#cancelTimer = this.#clock.after(this.#debounceMs, () => {
      this.#cancelTimer = undefined;
      void this.#check();
    });
  }

  async #check(): Promise<void> {
    if (this.#isStopped) return;
    if (this.#isChecking) return this.#schedule();
    this.#isChecking = true;
    const { fingerprint, isEmpty } = await this.#takeFingerprint();
    if (fingerprint !== this.#fingerprint && !this.#isStopped) {
      this.#sameLooks = fingerprint === this.#seen ? this.#sameLooks + 1 : 0;
      this.#seen = fingerprint;
      // Whoever writes may be half-way through: only a file that has stood still from one look to the next is read.
      if (this.#sameLooks >= (isEmpty ? EMPTY_LOOKS : 1)) {
        this.#fingerprint = fingerprint;
        await this.#load();
      } else this.#schedule();
    }
    this.#isChecking = false;
  }

  /** Differs whenever the file does. Taken before reading, so that an edit meanwhile is seen next time. */
  async #takeFingerprint(): Promise<{ readonly fingerprint: string; readonly isEmpty: boolean }> {
    try {
      const { dev, ino, size, mtimeNs, ctimeNs } = await stat(this.#path, { bigint: true });
      // What a link points to may change in another folder.
      if ((await lstat(this.#path)).isSymbolicLink()) this.#poll('it is a symbolic link');
      return { fingerprint: [dev, ino, size, mtimeNs, ctimeNs].join(' '), isEmpty: size === 0n };
    } catch (error) {
      // The whole folder may be gone, and a watch on it with it.
      this.#poll(error);
      return { fingerprint: `unreadable: ${toMessage(error)}`, isEmpty: false };
    }
  }

  async #load(): Promise<void> {
    try {
      await this.#reload('file changed');
    } catch (cause) {
      const error = toGatewayError(cause);
      const problems = configProblems(error).map(renderProblem);
      this.#logger.warn(`Configuration unchanged: ${error.message}`, { file: this.#path, code: error.code, problems });
    }
  }
}
