import { GatewayError, toGatewayError, type Clock, type Logger } from '@signalbox/core';
import { foldState, NO_STATE, parseEvent, toBytes, type StateDocument, type StateEvent } from './state-event.ts';
import type { StateLog } from './state-log.ts';

type Fact = Omit<StateEvent, 'version' | 'atMs'>;

export interface RecorderOptions {
  readonly log: StateLog;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * Writes events behind those that are there. A changed file applies also while the store is away: its events wait here
 * and are written once the store is back, before anything else.
 */
export interface Recorder {
  /** With the events that wait. */
  readonly document: StateDocument;
  /** Called when the store has answered again and events wait. */
  onBack: (() => void) | undefined;
  open(): Promise<void>;
  /** @throws GatewayError `STALE` when another writer was first; `STORE_UNAVAILABLE`. */
  record(fact: Fact, text: string): Promise<StateEvent>;
  /** Like `record`, but waits rather than fails, and gives way to other writers. @returns nothing when one of them has recorded the same text. */
  recordFile(fact: Fact & { readonly file: string }, text: string): Promise<StateEvent | undefined>;
  /** Takes in what others have written, and writes what waits. Does nothing while the store is away. */
  catchUp(): Promise<void>;
  close(): void;
}

const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 15_000;

export function createRecorder({ log, logger, clock }: RecorderOptions): Recorder {
  /** As the store has it, as far as is known. */
  let base: StateDocument = NO_STATE;
  let document: StateDocument = NO_STATE;
  let waiting: readonly StateEvent[] = [];
  let texts = new Map<string, string>();
  let waitMs = FIRST_WAIT_MS;
  let cancelTimer: (() => void) | undefined;
  let isUnread = false;

  const isAway = (error: unknown) => toGatewayError(error).code === 'STORE_UNAVAILABLE';
  const stamp = (fact: Fact): StateEvent => parseEvent(toBytes({ ...fact, version: document.version + 1, atMs: clock.now() }));
  const append = async (events: readonly StateEvent[], more: ReadonlyMap<string, string>): Promise<void> => {
    document = base = await log.append(base, events, more);
    if (waiting.length > 0) logger.info('The store is back, and what was applied meanwhile is recorded', { version: document.version });
    waiting = [];
    texts = new Map();
    waitMs = FIRST_WAIT_MS;
  };
  const wait = (): void => {
    cancelTimer?.();
    cancelTimer = clock.after(waitMs, () => recorder.onBack?.());
    waitMs = Math.min(waitMs * 2, MAX_WAIT_MS);
  };
  const keep = (event: StateEvent, { all, error }: { readonly all: Map<string, string>; readonly error: unknown }): StateEvent => {
    const what = `version ${event.version} of the configuration`;
    logger.error(`Cannot record ${what}; it applies, and is recorded once the store is back`, { error });
    waiting = [...waiting, event];
    texts = all;
    document = foldState(document, event);
    wait();
    return event;
  };
  // Events of the file say what it is, not how it changed, so they may stand behind those of others.
  const rebase = (): void => {
    document = base;
    const moved: StateEvent[] = [];
    for (const event of waiting) {
      if (event.file === document.file) continue;
      const next = { ...event, version: document.version + 1 };
      document = foldState(document, next);
      moved.push(next);
    }
    waiting = moved;
  };
  const refresh = async (): Promise<boolean> => {
    const newest = await log.load();
    isUnread = false;
    if (newest.version === base.version) return false;
    base = newest;
    rebase();
    return true;
  };

  const recorder: Recorder = {
    get document() {
      return document;
    },
    onBack: undefined,
    open: async () => {
      try {
        await refresh();
      } catch (error) {
        if (!isAway(error)) throw error;
        isUnread = true;
        logger.error('Cannot read the history of the configuration; the file alone applies until the store is back', { error });
      }
    },
    record: async (fact, text) => {
      // What was decided without knowing what is there is decided again.
      if (isUnread && (await refresh())) throw new GatewayError('STALE', 'Cannot change the state: the store had more of it');
      const event = stamp(fact);
      await append([...waiting, event], fact.file === undefined ? texts : new Map([...texts, [fact.file, text]]));
      return event;
    },
    recordFile: async (fact, text) => {
      const all = new Map([...texts, [fact.file, text]]);
      for (;;) {
        try {
          if (isUnread) await refresh();
          if (document.file === fact.file) return undefined;
          const event = stamp(fact);
          await append([...waiting, event], all);
          return event;
        } catch (error) {
          if (isAway(error)) return keep(stamp(fact), { all, error });
          if (toGatewayError(error).code !== 'STALE') throw error;
          await refresh();
        }
      }
    },
    catchUp: async () => {
      for (;;) {
        try {
          await refresh();
          if (waiting.length > 0) await append(waiting, texts);
          return;
        } catch (error) {
          if (isAway(error)) return waiting.length > 0 ? wait() : undefined;
          if (toGatewayError(error).code !== 'STALE') throw error;
        }
      }
    },
    close: () => cancelTimer?.(),
  };
  return recorder;
}
