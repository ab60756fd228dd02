import { createHash } from 'node:crypto';
import { canonicalJson, GatewayError, type Store, type StoreOperation } from '@signalbox/core';
import { foldState, NO_STATE, parseDocument, parseEvent, toBytes, type StateDocument, type StateEvent } from './state-event.ts';

const LOG = 'state';
const DOCUMENTS = 'state';
const CURRENT = 'current';
const FILES = 'state-files';
const PAGE = 500;

/** Collections and logs of the control plane that may hold secrets, for a store that encrypts what is sensitive. */
const SENSITIVE: ReadonlySet<string> = new Set([LOG, FILES, 'admin-keys']);

/** Whether a collection or log of the control plane may hold secrets. */
export function isSensitive(name: string): boolean {
  return SENSITIVE.has(name);
}

/** Whether what is kept adds up. */
export interface StateVerdict {
  readonly isSound: boolean;
  /** Of the state that the log adds up to. */
  readonly version: number;
  readonly events: number;
  /** What does not fit, for people. */
  readonly problems: readonly string[];
}

/** The events of the wanted state in a store, and the document they add up to, kept beside them for a fast start. */
export interface StateLog {
  /** The newest state: the document and what was added behind it. */
  load(): Promise<StateDocument>;
  /**
   * Adds events behind a state, together with the texts they name.
   * @throws GatewayError `STALE` when another writer was first; `STORE_UNAVAILABLE`.
   */
  append(document: StateDocument, events: readonly StateEvent[], texts: ReadonlyMap<string, string>): Promise<StateDocument>;
  /** Folds all events up to a version. @throws GatewayError `NOT_FOUND` when there is no such version. */
  at(version: number): Promise<StateDocument>;
  event(version: number): Promise<StateEvent>;
  /** Newest first. */
  page(options: { readonly before: number | undefined; readonly limit: number }): Promise<readonly StateEvent[]>;
  text(hash: string | null): Promise<string>;
  verify(): Promise<StateVerdict>;
  /** Writes the document anew from the events. */
  rebuild(): Promise<StateDocument>;
}

export function createStateLog(store: Store): StateLog {
  async function* events(from: number): AsyncGenerator<StateEvent> {
    for (let next = from; ;) {
      const entries = await store.read(LOG, { from: next, limit: PAGE });
      for (const { sequence, value } of entries) {
        const event = parseEvent(value);
        if (event.version !== sequence)
          throw new GatewayError('INTERNAL', `Entry ${sequence} of the log "${LOG}" says that it is version ${event.version}`);
        yield event;
      }
      if (entries.length < PAGE) return;
      next = entries.at(-1)!.sequence + 1;
    }
  }

  const fold = async (from: StateDocument, until = Number.MAX_SAFE_INTEGER): Promise<StateDocument> => {
    let document = from;
    for await (const event of events(from.version + 1)) {
      if (event.version > until) break;
      document = foldState(document, event);
    }
    return document;
  };
  const read = async (): Promise<StateDocument | undefined> => {
    const entry = await store.get(DOCUMENTS, CURRENT);
    return entry && parseDocument(entry.value);
  };
  const text = async (hash: string | null): Promise<string> => {
    if (hash === null) return '{}';
    const entry = await store.get(FILES, hash);
    if (entry === undefined) throw new GatewayError('NOT_FOUND', `The text of the file with hash "${hash}" is not in the store`);
    return entry.value.toString();
  };

  return {
    load: async () => fold((await read()) ?? NO_STATE),
    append: async (document, added, texts) => {
      const next = added.reduce((state, event) => foldState(state, parseEvent(toBytes(event))), document);
      const files: StoreOperation[] = [];
      for (const [hash, content] of texts)
        if ((await store.get(FILES, hash)) === undefined)
          files.push({ kind: 'put', collection: FILES, key: hash, value: Buffer.from(content) });
      await store.commit([
        { kind: 'append', log: LOG, values: added.map(toBytes), ifNext: document.version + 1 },
        ...files,
        { kind: 'put', collection: DOCUMENTS, key: CURRENT, value: toBytes(next) },
      ]);
      return next;
    },
    at: async (version) => {
      const document = await fold(NO_STATE, version);
      if (version < 1 || document.version !== version) throw unknownVersion(version);
      return document;
    },
    event: async (version) => {
      const [entry] = version < 1 ? [] : await store.read(LOG, { from: version, limit: 1 });
      if (entry?.sequence !== version) throw unknownVersion(version);
      return parseEvent(entry.value);
    },
    page: async ({ before, limit }) => {
      if (before !== undefined && before <= 1) return [];
      const from = before === undefined ? {} : { from: before - 1 };
      return (await store.read(LOG, { ...from, limit, newestFirst: true })).map(({ value }) => parseEvent(value));
    },
    text,
    verify: async () => {
      const problems: string[] = [];
      const hashes = new Set<string>();
      let document = NO_STATE;
      try {
        for await (const event of events(1)) {
          document = foldState(document, event);
          if (event.file !== undefined) hashes.add(event.file);
        }
      } catch (error) {
        problems.push(`version ${document.version + 1} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
      }
      const { last } = await store.span(LOG);
      if (problems.length === 0 && last !== document.version) problems.push(`the log ends at ${last}, its events at ${document.version}`);
      const kept = await store.get(DOCUMENTS, CURRENT);
      if (kept === undefined ? document.version > 0 : !kept.value.equals(toBytes(document)))
        problems.push('the document is not what the events add up to');
      for (const hash of hashes) {
        const content = await store.get(FILES, hash);
        if (content === undefined) problems.push(`the text of the file with hash "${hash}" is missing`);
        else if (hashOf(content.value.toString()) !== hash) problems.push(`the text of the file with hash "${hash}" has another one`);
      }
      return { isSound: problems.length === 0, version: document.version, events: document.version, problems };
    },
    rebuild: async () => {
      const document = await fold(NO_STATE);
      await store.commit([{ kind: 'put', collection: DOCUMENTS, key: CURRENT, value: toBytes(document) }]);
      return document;
    },
  };
}

/** SHA-256 of a text, in hexadecimal. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Whether two values are written the same. */
export function isSameJson(left: unknown, right: unknown): boolean {
  return canonicalJson(left) === canonicalJson(right);
}

function unknownVersion(version: number): GatewayError {
  return new GatewayError('NOT_FOUND', `There is no version ${version} of the state`, { data: { version } });
}
