import { open, stat } from 'node:fs/promises';
import { isMissing } from '../config-file/read-config-file.ts';

const CHUNK_BYTES = 64 * 1024;

/** Reads the end of a file of lines that grows, and begins anew when the file is rotated. */
export interface Tail {
  /** The last lines, and from here on only newer ones. */
  last(count: number): Promise<readonly string[]>;
  /** The lines written since. A line without its end is kept for later. */
  next(): Promise<readonly string[]>;
}

export function createTail(path: string): Tail {
  let position = 0;
  let inode = 0;
  let partial: Buffer = Buffer.alloc(0);

  const take = (bytes: Buffer): string[] => {
    const all = Buffer.concat([partial, bytes]);
    const end = all.lastIndexOf(0x0a) + 1;
    partial = all.subarray(end);
    return all.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  };
  return {
    last: async (count) => {
      const file = await open(path, 'r');
      try {
        const { size, ino } = await file.stat();
        let start = size;
        let bytes: Buffer = Buffer.alloc(0);
        while (start > 0 && countLines(bytes) <= count) {
          const length = Math.min(CHUNK_BYTES, start);
          start -= length;
          bytes = Buffer.concat([await readAt(file, start, length), bytes]);
        }
        position = size;
        inode = ino;
        return take(bytes).slice(-count);
      } finally {
        await file.close();
      }
    },
    next: async () => {
      const found = await statOf(path);
      if (found === undefined) return [];
      if (found.ino !== inode || found.size < position) {
        inode = found.ino;
        position = 0;
        partial = Buffer.alloc(0);
      }
      if (found.size === position) return [];
      const file = await open(path, 'r');
      try {
        const bytes = await readAt(file, position, found.size - position);
        position += bytes.length;
        return take(bytes);
      } finally {
        await file.close();
      }
    },
  };
}

async function readAt(file: Awaited<ReturnType<typeof open>>, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

// Between its renaming and its creation a rotated file is not there.
async function statOf(path: string): Promise<{ readonly size: number; readonly ino: number } | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let index = bytes.indexOf(0x0a); index >= 0; index = bytes.indexOf(0x0a, index + 1)) count++;
  return count;
}
