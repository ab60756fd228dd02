// Copies the write-ahead log of a store back into its file while the writer goes on, so that what the writer has to copy
// itself, when everything must stand still, is little.
import { parentPort, workerData } from 'node:worker_threads';
import { DatabaseSync } from '@photostructure/sqlite';

const database = new DatabaseSync(workerData.path, { timeout: 0 });
database.exec('PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0');

parentPort.on('message', () => {
  try {
    database.exec('PRAGMA wal_checkpoint(PASSIVE)');
  } catch {
    // The writer will meet the same disk, and says what is wrong with it.
  }
  parentPort.postMessage('copied');
});
