// Commits to the store of a file for as long as it is let, and says on stdout what was acknowledged and what failed.
// Arguments: the file, how many write at once, how many commits each makes.
import { writeSync } from 'node:fs';
import { openSqliteStore } from '../../../packages/storage/dist/store/sqlite-store.js';

const [file, writers, commits] = process.argv.slice(2);
const run = process.pid.toString(36);
let store;
try {
  // Copying the write-ahead log back has to go wrong, too, so it is done all the time.
  store = await openSqliteStore({ path: file, checkpointBytes: 128 * 1024 });
} catch (error) {
  writeSync(1, `failed ${error.code}\n`);
  process.exit(0);
}

async function write(writer) {
  for (let count = 0; count < Number(commits); count++) {
    const key = `${run}.${writer}.${count}`;
    const value = Buffer.from(key.padEnd(100 + (count % 7) * 300, '.'));
    try {
      const [, sequence] = await store.commit([
        { kind: 'put', collection: 'entries', key, value },
        { kind: 'append', log: 'log', values: [value] },
      ]);
      writeSync(1, `acknowledged ${key} ${sequence}\n`);
    } catch (error) {
      writeSync(1, `failed ${error.code}\n`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));
await store.close();
