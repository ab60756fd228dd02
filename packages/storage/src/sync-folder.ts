import { open } from 'node:fs/promises';

/** Makes the names in a folder durable: without it a new one may be lost although what it names is not. */
export async function syncFolder(path: string): Promise<void> {
  // Not every system lets a folder be opened.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
