import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { createMemoryStore } from '../../../packages/storage/dist/index.js';

/** A store whose commits are lines of a file, so that what was kept outlives a process that is killed. Reads it whole at the start. */
export async function openFileStore(path) {
  const store = createMemoryStore();
  if (existsSync(path)) {
    // A line that was cut off was never told to be kept.
    const text = readFileSync(path, 'utf8');
    const end = text.lastIndexOf('\n') + 1;
    truncateSync(path, Buffer.byteLength(text.slice(0, end)));
    for (const line of text.slice(0, end).split('\n').slice(0, -1)) await store.commit(JSON.parse(line, revive));
  }
  const file = openSync(path, 'a');
  return {
    ...store,
    kind: 'file',
    commit: async (operations) => {
      const results = await store.commit(operations);
      appendFileSync(file, `${JSON.stringify(operations)}\n`);
      fsyncSync(file);
      return results;
    },
    close: async () => {
      await store.close();
      closeSync(file);
    },
  };
}

function revive(_, value) {
  return value?.type === 'Buffer' ? Buffer.from(value.data) : value;
}
