import { toMessage, type Journal, type Logger, type Record as CallRecord, type RecordPayload } from '@signalbox/core';

/** Reads the records of calls as they are made. Must return at once. */
export interface RecordReader {
  readonly name: string;
  write(record: CallRecord): void;
}

export interface JournalOptions {
  readonly readers: readonly RecordReader[];
  /** Read last, as the answer may wait for it. */
  readonly audit: Required<Journal> | undefined;
  readonly logger: Logger;
}

/** Gives each record to every reader. One that throws is told of once, and neither a call nor another reader hears of it. */
export function createJournal({ readers, audit, logger }: JournalOptions): Journal {
  const told = new Set<string>();
  const tell = (name: string, error: unknown): void => {
    if (told.has(name)) return;
    told.add(name);
    logger.error('a reader of call records failed; more of it is not logged', { reader: name, error: toMessage(error) });
  };
  const writeAll = (record: CallRecord): void => {
    for (const reader of readers) {
      try {
        reader.write(record);
      } catch (error) {
        tell(reader.name, error);
      }
    }
  };
  if (audit === undefined) return { write: writeAll };
  return {
    check: () => audit.check(),
    payloadBytes: audit.payloadBytes,
    isDurable: audit.isDurable,
    write: (record: CallRecord, payload?: RecordPayload) => {
      writeAll(record);
      try {
        return audit.write(record, payload);
      } catch (error) {
        return tell('audit', error);
      }
    },
  };
}
