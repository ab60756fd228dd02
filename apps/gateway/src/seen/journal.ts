import { toMessage, type Journal, type Logger, type Record as CallRecord, type RecordPayload, type SearchRecord } from '@signalbox/core';

/** Reads the records of calls as they are made. Must return at once. */
export interface RecordReader {
  readonly name: string;
  /** Whether it reads what calls were about, where that is at hand. Default false. */
  readonly wantsPayload?: boolean;
  write(record: CallRecord, payload?: RecordPayload): void;
  /** Reads what was searched for. */
  search?(record: SearchRecord): void;
}

/** Of the journal, what the audit answers for. */
export type AuditJournal = Required<Pick<Journal, 'check' | 'payloadBytes' | 'isDurable' | 'write'>>;

export interface JournalOptions {
  readonly readers: readonly RecordReader[];
  /** Read last, as the answer may wait for it. */
  readonly audit: AuditJournal | undefined;
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
  const writeAll = (record: CallRecord, payload: RecordPayload | undefined): void => {
    for (const reader of readers) {
      try {
        reader.write(record, payload);
      } catch (error) {
        tell(reader.name, error);
      }
    }
  };
  const searchReaders = readers.filter(({ search }) => search !== undefined);
  const search = (record: SearchRecord): void => {
    for (const reader of searchReaders) {
      try {
        reader.search!(record);
      } catch (error) {
        tell(reader.name, error);
      }
    }
  };
  const wantsPayload = (audit?.payloadBytes ?? 0) > 0 || readers.some((reader) => reader.wantsPayload === true);
  const reading = { wantsPayload, ...(searchReaders.length > 0 && { search }) };
  if (audit === undefined) return { ...reading, write: writeAll };
  return {
    ...reading,
    check: () => audit.check(),
    payloadBytes: audit.payloadBytes,
    isDurable: audit.isDurable,
    write: (record: CallRecord, payload?: RecordPayload) => {
      writeAll(record, payload);
      try {
        return audit.write(record, payload);
      } catch (error) {
        return tell('audit', error);
      }
    },
  };
}
