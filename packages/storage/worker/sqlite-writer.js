// Writes groups of commits to the file of a store, each group in one transaction, and answers once it is on the disk.
import { statSync } from 'node:fs';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { DatabaseSync } from '@photostructure/sqlite';
import { compressSync } from 'lz4-napi';

const { path, busyMs, checkpointBytes } = workerData;

// https://www.sqlite.org/rescode.html#ioerr
const SQLITE_IOERR = 10;
const PAGE_BYTES = 4096;
// To read one value its whole block is read.
const BLOCK_BYTES = 65_536;
// Records of one kind say much the same, and what is not written need not be synced.
const COMPRESS_FROM_BYTES = 2048;
// Beyond this many times what is usual, the writer no longer waits for the checkpointer, and the log is cut off.
const PATIENCE = 2;

let writer;
let checkpointer;
let isCopying = false;
let isCommitting = false;

parentPort.on('message', (message) => {
  if (message.kind === 'close') {
    return finish();
  }
  isCommitting = false;
  try {
    writer ??= openWriter();
    parentPort.postMessage({ id: message.id, ...write(writer, message) });
    boundLog(writer);
  } catch (error) {
    abandon();
    const { message: text, errcode = 0 } = error;
    // What a failed sync has left in the log may or may not be found there after a crash.
    const isUncertain = isCommitting && (errcode & 0xff) === SQLITE_IOERR;
    parentPort.postMessage({ id: message.id, failure: { message: text, errcode, isUncertain } });
  }
});

// A thread that is ended while SQLite reports an error takes the whole process with it, so it is left to end itself.
function finish() {
  const last = () => {
    if (writer !== undefined) end(writer.database);
    parentPort.close();
  };
  if (checkpointer === undefined) return last();
  checkpointer.once('exit', last);
  checkpointer.postMessage('close');
}

function openWriter() {
  const database = new DatabaseSync(path, { timeout: busyMs });
  // This build of SQLite would not wait for the disk by itself, and would copy the log back in the middle of a commit.
  database.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -16000');
  const prepare = (sql) => database.prepare(sql);
  return {
    database,
    collections: new Map(),
    begin: prepare('BEGIN IMMEDIATE'),
    commit: prepare('COMMIT'),
    rollback: prepare('ROLLBACK'),
    count: prepare("SELECT value FROM counters WHERE name = 'changes'"),
    setCount: prepare("UPDATE counters SET value = ? WHERE name = 'changes'"),
    collection: prepare(
      'INSERT INTO collections (name, changed) VALUES (?, 0) ON CONFLICT (name) DO UPDATE SET changed = changed RETURNING id',
    ),
    touchCollection: prepare('UPDATE collections SET changed = ? WHERE id = ?'),
    version: prepare('SELECT e.version FROM entries e JOIN collections c ON c.id = e.collection WHERE c.name = ? AND e.key = ?'),
    put: prepare(
      'INSERT INTO entries (collection, key, version, value) VALUES (?, ?, ?, ?) ON CONFLICT (collection, key) DO UPDATE SET version = excluded.version, value = excluded.value',
    ),
    remove: prepare('DELETE FROM entries WHERE collection = ? AND key = ?'),
    log: prepare('SELECT id, first, last FROM logs WHERE name = ?'),
    addLog: prepare('INSERT INTO logs (name, first, last, changed) VALUES (?, 1, 0, 0) RETURNING id'),
    setLog: prepare('UPDATE logs SET first = ?, last = ?, changed = ? WHERE id = ?'),
    append: prepare('INSERT INTO log_blocks (log, first, last, lengths, value) VALUES (?, ?, ?, ?, ?)'),
    progress: prepare('PRAGMA wal_checkpoint(NOOP)'),
    trim: prepare('DELETE FROM log_blocks WHERE log = ? AND first < ? AND last < ?'),
  };
}

// A group without commits is a trial: whether the disk takes anything.
function write(writer, { commits, values }) {
  writer.begin.run();
  const group = { writer, values: Buffer.from(values), count: writer.count.get().value, collections: new Set(), logs: new Map() };
  const outcomes = commits.map((operations) => commit(group, operations));
  if (commits.length > 0 && group.collections.size === 0 && group.logs.size === 0) {
    writer.rollback.run();
    return { outcomes, changed: 0 };
  }
  group.count += 1;
  for (const id of group.collections) writer.touchCollection.run(group.count, id);
  for (const log of group.logs.values()) if (log.isChanged) writer.setLog.run(log.first, log.last, group.count, log.id);
  writer.setCount.run(group.count);
  isCommitting = true;
  writer.commit.run();
  return { outcomes, changed: group.count };
}

// Everything is checked before anything is applied, so a commit that is refused needs no rolling back.
function commit(group, operations) {
  const refusal = refuse(group, operations);
  return refusal ?? operations.map((operation) => apply(group, operation));
}

function refuse(group, operations) {
  // What a key or log would be after the changes before it. No one can know the version of a put beforehand.
  const tentative = new Map();
  for (const [index, operation] of operations.entries()) {
    if (operation.kind === 'put' || operation.kind === 'delete') {
      const place = `${operation.collection} ${operation.key}`;
      if (operation.ifVersion !== undefined) {
        const found = tentative.get(place) ?? group.writer.version.get(operation.collection, operation.key)?.version ?? 0;
        if (found !== operation.ifVersion) return { operation: index, found: Number.isNaN(found) ? 0 : found };
      }
      tentative.set(place, operation.kind === 'put' ? Number.NaN : 0);
    } else if (operation.kind === 'append') {
      const { last } = logOf(group, operation.log) ?? { last: 0 };
      const place = `log ${operation.log}`;
      const next = tentative.get(place) ?? last + 1;
      const isFresh = next === 1;
      if (operation.ifNext !== undefined && operation.ifNext !== next && !isFresh) return { operation: index, found: next };
      tentative.set(place, (operation.ifNext ?? next) + operation.lengths.length);
    } else if (operation.kind === 'forget') {
      tentative.set(`log ${operation.log}`, 1);
    }
  }
  return undefined;
}

function apply(group, operation) {
  const { writer } = group;
  switch (operation.kind) {
    case 'put': {
      const id = collectionOf(group, operation.collection);
      group.count += 1;
      writer.put.run(id, operation.key, group.count, take(group, operation, operation.length));
      return group.count;
    }
    case 'delete':
      writer.remove.run(collectionOf(group, operation.collection), operation.key);
      return 0;
    case 'append': {
      const log = logOf(group, operation.log) ?? addLog(group, operation.log);
      if (log.last === 0 && operation.ifNext !== undefined) Object.assign(log, { first: operation.ifNext, last: operation.ifNext - 1 });
      const sequence = log.last + 1;
      appendBlocks(group, log, operation);
      log.isChanged = true;
      return sequence;
    }
    case 'forget': {
      // Its row stays, so that others see that it has changed.
      const log = logOf(group, operation.log);
      if (log === undefined) return 0;
      writer.trim.run(log.id, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
      Object.assign(log, { first: 1, last: 0, isChanged: true });
      return 0;
    }
    default: {
      const log = logOf(group, operation.log);
      if (log === undefined || operation.before <= log.first) return 0;
      // A block of which a part stays, stays whole; who reads it leaves out what stands before the first.
      writer.trim.run(log.id, operation.before, operation.before);
      log.first = Math.min(operation.before, log.last + 1);
      log.isChanged = true;
      return 0;
    }
  }
}

// What is appended at once becomes few rows: one costs about as much as the bytes of fifty records.
function appendBlocks(group, log, { lengths, ...operation }) {
  let { offset } = operation;
  let start = 0;
  while (start < lengths.length) {
    let end = start;
    let bytes = 0;
    while (end < lengths.length && (end === start || bytes + lengths[end] <= BLOCK_BYTES)) bytes += lengths[end++];
    const count = end - start;
    const value = take(group, { offset }, bytes);
    const small = bytes < COMPRESS_FROM_BYTES ? value : compressSync(value);
    const isSmaller = small.length < value.length;
    const sizes = count === 1 && !isSmaller ? null : toBytes(lengths.slice(start, end), isSmaller);
    group.writer.append.run(log.id, log.last + 1, log.last + count, sizes, isSmaller ? small : value);
    log.last += count;
    offset += bytes;
    start = end;
  }
}

// One number more than there are values says that they are compressed.
function toBytes(lengths, isCompressed) {
  const bytes = Buffer.alloc(4 * (lengths.length + (isCompressed ? 1 : 0)));
  for (const [index, length] of lengths.entries()) bytes.writeUInt32LE(length, 4 * index);
  return bytes;
}

function take({ values }, { offset }, length) {
  return values.subarray(offset, offset + length);
}

function collectionOf(group, name) {
  const { collections, collection } = group.writer;
  let id = collections.get(name);
  if (id === undefined) collections.set(name, (id = collection.get(name).id));
  group.collections.add(id);
  return id;
}

function logOf(group, name) {
  const known = group.logs.get(name);
  if (known !== undefined) return known;
  const row = group.writer.log.get(name);
  if (row === undefined) return undefined;
  const log = { id: row.id, first: row.first, last: row.last, isChanged: false };
  group.logs.set(name, log);
  return log;
}

function addLog(group, name) {
  const log = { id: group.writer.addLog.get(name).id, first: 1, last: 0, isChanged: true };
  group.logs.set(name, log);
  return log;
}

// After a failure of the disk nothing this connection believes of the file can be relied upon.
function abandon() {
  const failed = writer;
  writer = undefined;
  try {
    failed?.database.close();
  } catch {
    // It rolls back what it had begun, also when it says that it cannot close.
  }
}

// SQLite's write-ahead log grows until someone copies it back whole while nobody writes. Most of it is copied back beside
// the writer. A reader in another process may prevent it for a while: then it is tried again after the next group.
function boundLog({ database, progress }) {
  const { log, checkpointed } = progress.get();
  const waiting = (log - checkpointed) * PAGE_BYTES;
  if (waiting < checkpointBytes) return;
  if (waiting >= PATIENCE * checkpointBytes) copyBack(database);
  else if (!isCopying) {
    isCopying = true;
    checkpointer ??= startCheckpointer();
    checkpointer.postMessage('copy');
  }
}

function startCheckpointer() {
  const started = new Worker(new URL('./sqlite-checkpointer.js', import.meta.url), { name: 'checkpoint', workerData: { path } });
  started.unref();
  started.on('message', () => {
    isCopying = false;
    if (writer !== undefined) copyBack(writer.database);
  });
  // Without it the writer does the work, only later.
  started.on('error', () => undefined);
  started.on('exit', () => {
    checkpointer = undefined;
    isCopying = false;
  });
  return started;
}

// A log that is begun anew keeps its length, and syncing it is much cheaper than syncing one that grows. One that has
// become too long is cut off.
function copyBack(database, isLast = false) {
  const isTooLong = isLast || sizeOf(`${path}-wal`) >= PATIENCE * checkpointBytes;
  try {
    database.exec('PRAGMA busy_timeout = 0');
    database.exec(`PRAGMA wal_checkpoint(${isTooLong ? 'TRUNCATE' : 'RESTART'})`);
  } catch {
    // What has been acknowledged is in the log; the next commit will say what is wrong with the disk.
  } finally {
    database.exec(`PRAGMA busy_timeout = ${busyMs}`);
  }
}

// SQLite copies the log back by itself only once the last statement of a connection is gone, which is not for us to say.
function end(database) {
  copyBack(database, true);
  database.close();
}

function sizeOf(file) {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
