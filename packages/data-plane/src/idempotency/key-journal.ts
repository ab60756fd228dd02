import { isObject, toMessage, type Clock, type LineLog, type Logger } from '@signalbox/core';
import type { KeyEntry, KeyTable } from './key-table.ts';

export interface KeyJournalOptions {
  readonly log: LineLog;
  readonly keys: KeyTable;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RESTARTED = 'the gateway was restarted since';
/** Lines beside those that still say something, before the log is written anew. */
const MAX_STALE_LINES = 10_000;

/**
 * Writes down which keys were used before their calls are sent, so that a gateway that comes back knows them. Outcomes
 * are not written: after a restart a call that may have run is refused, not replayed.
 */
export class KeyJournal {
  readonly #options: KeyJournalOptions;
  #lines = 0;

  private constructor(options: KeyJournalOptions) {
    this.#options = options;
  }

  /** Takes the keys of earlier runs into the table and starts the log anew with those that still count. */
  static async open(options: KeyJournalOptions): Promise<KeyJournal> {
    const { log, keys, ttlMs, clock } = options;
    const journal = new KeyJournal(options);
    for (const entry of readEntries(await log.read(), clock.now() - ttlMs)) {
      const expiresAtMs = clock.monotonic() + entry.beganAtMs + ttlMs - clock.now();
      keys.add({ ...entry, owner: '', expiresAtMs });
    }
    await journal.#rewrite();
    return journal;
  }

  /** Resolves once a restarted gateway would know that the key was used. */
  begin({ id, fingerprint, callId, beganAtMs }: KeyEntry): Promise<void> {
    return this.#append({ is: 'begun', id, fingerprint, callId, beganAtMs });
  }

  /** Notes that the call ran to its end. */
  end({ id }: KeyEntry): void {
    this.#later({ is: 'ended', id });
  }

  /** Notes that nothing ran, or nothing that counts: the key is free. */
  release({ id }: KeyEntry): void {
    this.#later({ is: 'free', id });
  }

  #later(line: object): void {
    this.#append(line).catch((error: unknown) => {
      // The line before says "begun", with which a restarted gateway refuses where it might have run the call.
      this.#options.logger.warn('could not note what became of an idempotency key', { error: toMessage(error) });
    });
  }

  #append(line: object): Promise<void> {
    const { log, keys } = this.#options;
    const written = log.append(JSON.stringify(line));
    if (++this.#lines > MAX_STALE_LINES + 4 * keys.size) {
      this.#rewrite().catch((error: unknown) => {
        this.#options.logger.warn('could not shorten the log of idempotency keys', { error: toMessage(error) });
      });
    }
    return written;
  }

  async #rewrite(): Promise<void> {
    const { log, keys } = this.#options;
    const lines: string[] = [];
    for (const { id, fingerprint, callId, beganAtMs, state } of keys) {
      if (state.kind === 'open') continue;
      lines.push(JSON.stringify({ is: 'begun', id, fingerprint, callId, beganAtMs }));
      if (state.kind === 'ended') lines.push(JSON.stringify({ is: 'ended', id }));
    }
    this.#lines = lines.length;
    await log.replace(lines);
  }
}

type RememberedEntry = Omit<KeyEntry, 'owner' | 'expiresAtMs'>;

function readEntries(lines: readonly string[], oldestMs: number): Iterable<RememberedEntry> {
  const entries = new Map<string, RememberedEntry>();
  for (const line of lines) {
    const said = parseLine(line);
    const id = said?.['id'];
    if (said === undefined || typeof id !== 'string') continue;
    const known = entries.get(id);
    // Deleted first, so that the order stays that of beginning.
    entries.delete(id);
    const { is, fingerprint, callId, beganAtMs } = said;
    if (is === 'begun' && typeof fingerprint === 'string' && typeof callId === 'string' && typeof beganAtMs === 'number') {
      if (beganAtMs > oldestMs) entries.set(id, { id, fingerprint, callId, beganAtMs, state: { kind: 'lost', why: RESTARTED } });
    } else if (is === 'ended' && known !== undefined) {
      entries.set(id, { ...known, state: { kind: 'ended', outcome: undefined, why: RESTARTED } });
    }
  }
  return [...entries.values()].toSorted((left, right) => left.beganAtMs - right.beganAtMs);
}

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    // A crash cut it off, and what it was about to say had not been promised to anyone.
    return undefined;
  }
}
