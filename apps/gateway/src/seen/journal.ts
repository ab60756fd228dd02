import {
  toMessage,
  type ComparisonRecord,
  type Journal,
  type Logger,
  type Record as CallRecord,
  type RecordPayload,
  type SearchRecord,
} from '@signalbox/core';

/** Reads the records of calls as they are made. Must return at once. */
export interface RecordReader {
  readonly name: string;
  /** Whether it reads what calls were about, where that is at hand. Default false. */
  readonly wantsPayload?: boolean;
  write(record: CallRecord, payload?: RecordPayload): void;
  /** Reads what was searched for. */
  search?(record: SearchRecord): void;
  /** Reads what came of similar calls. */
  compare?(record: ComparisonRecord): void;
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
  const tellAll = (interested: readonly RecordReader[], read: (reader: RecordReader) => void): void => {
    for (const reader of interested) {
      try {
        read(reader);
      } catch (error) {
        tell(reader.name, error);
      }
    }
  };
  const [searchReaders, comparisonReaders] = [readers.filter(({ search }) => search), readers.filter(({ compare }) => compare)];
  const search = (record: SearchRecord): void => tellAll(searchReaders, (reader) => reader.search!(record));
  const compare = (record: ComparisonRecord): void => tellAll(comparisonReaders, (reader) => reader.compare!(record));
  const wantsPayload = (audit?.payloadBytes ?? 0) > 0 || readers.some((reader) => reader.wantsPayload === true);
  const reading = { wantsPayload, ...(searchReaders.length > 0 && { search }), ...(comparisonReaders.length > 0 && { compare }) };
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
