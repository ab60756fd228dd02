// Copies the write-ahead log of a store back into its file while the writer goes on, so that what the writer has to copy
// itself, when everything must stand still, is little.
import { closeSync, fdatasyncSync, openSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { DatabaseSync } from '@photostructure/sqlite';

const MOST_PASSES = 6;
const SHORT_MS = 4;

const database = new DatabaseSync(workerData.path, { timeout: 0 });
database.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');

const file = openSync(workerData.path, 'r+');
const pass = database.prepare('PRAGMA wal_checkpoint(PASSIVE)');

parentPort.on('message', (message) => {
  if (message === 'close') {
    database.close();
    closeSync(file);
    parentPort.close();
    return;
  }
  try {
    // What is written during one pass is copied by the next, each time less.
    for (let passes = 0, tookMs = Infinity; passes < MOST_PASSES && tookMs > SHORT_MS; passes++) {
      const startedAt = performance.now();
      pass.get();
      tookMs = performance.now() - startedAt;
    }
    // SQLite syncs only what is copied to its end, which is for the writer to do, and then all of it would be left to sync.
    fdatasyncSync(file);
  } catch {
    // The writer will meet the same disk, and says what is wrong with it.
  }
  parentPort.postMessage('copied');
});
