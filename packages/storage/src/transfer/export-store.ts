import { createHash } from 'node:crypto';
import { GatewayError, systemClock, type Clock, type LogEntry, type Store, type StoreEntry } from '@signalbox/core';
import { belowOf } from '../sealed/sealed-store.ts';
import { FORMAT, VERSION, type ExportLine } from './export-format.ts';

/** What one page of values should come to, so that memory is bounded whatever they are. */
const PAGE_BYTES = 4 * 1024 * 1024;
const MAX_PAGE = 1000;

/**
 * Everything in a store as the lines of an export, see `ExportLine`. Each value is as it was when it was read: what changes
 * meanwhile may or may not be in it. What is sealed stays sealed, and its keys come along, wrapped under the master key.
 * @throws GatewayError `CONFLICT` when a log is trimmed while it is read.
 */
export async function* exportStore(
  source: Store,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): AsyncGenerator<Buffer, void, undefined> {
  const store = belowOf(source);
  const hash = createHash('sha256');
  let [entries, logEntries] = [0, 0];
  const toChunk = (lines: readonly ExportLine[]): Buffer => {
    const chunk = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    hash.update(chunk);
    return chunk;
  };

  yield toChunk([{ format: FORMAT, version: VERSION, createdAt: new Date(clock.now()).toISOString() }]);
  const { collections, logs } = await store.names();
  for (const collection of collections) {
    for await (const page of readEntries(store, collection)) {
      entries += page.length;
      yield toChunk(page.map(({ key, value }) => ({ entry: [collection, key, value.toString('base64')] })));
    }
  }
  for (const log of logs) {
    const { first, last } = await store.span(log);
    yield toChunk([{ log: [log, first, last] }]);
    for await (const page of readRecords(store, { log, first, last })) {
      logEntries += page.length;
      yield toChunk(page.map(({ sequence, value }) => ({ append: [log, sequence, value.toString('base64')] })));
    }
  }
  yield Buffer.from(`${JSON.stringify({ end: { entries, logEntries, sha256: hash.digest('hex') } } satisfies ExportLine)}\n`);
}

async function* readEntries(store: Store, collection: string): AsyncGenerator<readonly StoreEntry[], void, undefined> {
  let after: string | undefined;
  for (let limit = 1; ;) {
    const page = await store.list(collection, { after, limit });
    if (page.length > 0) yield page;
    if (page.length < limit) return;
    after = page.at(-1)!.key;
    limit = nextLimit(page, limit);
  }
}

async function* readRecords(
  store: Store,
  { log, first, last }: { readonly log: string; readonly first: number; readonly last: number },
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  let next = first;
  for (let limit = 1; next <= last;) {
    const page = await store.read(log, { from: next, limit: Math.min(limit, last - next + 1) });
    if (page[0]?.sequence !== next)
      throw new GatewayError('CONFLICT', `Cannot export the log "${log}": it was trimmed while it was read; export again`);
    yield page;
    next = page.at(-1)!.sequence + 1;
    limit = nextLimit(page, limit);
  }
}

function nextLimit(page: readonly { readonly value: Buffer }[], limit: number): number {
  const bytes = page.reduce((sum, { value }) => sum + value.length, 0) / page.length;
  return Math.max(1, Math.min(MAX_PAGE, limit * 2, Math.floor(PAGE_BYTES / Math.max(1, bytes))));
}
