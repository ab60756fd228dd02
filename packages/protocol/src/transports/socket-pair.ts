import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const READ_BYTES = 65_536;
// What is read is dealt with before the next read, so all pairs may share this.
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES);

/** Two sockets joined with each other. Whoever asked for them closes both. */
export interface SocketPair {
  /** Its bytes go to the function given. It ends and closes like any socket. */
  readonly ours: Socket;
  /** The end to be given away. */
  readonly theirs: Socket;
}

/**
 * Joins two sockets, one of which is read into memory that is used again. The pipes that Node makes for a child are the
 * same kind of sockets, but read into 64 KiB allocated for each read, and the collector comes to take that away again.
 * @param onRead Gets what has arrived, in bytes that are only lent.
 * @throws Error where the system has no such sockets, or no place for them.
 */
export async function createSocketPair(onRead: (bytes: Buffer, length: number) => void): Promise<SocketPair> {
  if (process.platform === 'win32') throw new Error('Named pipes are read ahead, so that their memory cannot be shared');
  // Nobody else may look into the folder, so whoever connects is us.
  const folder = mkdtempSync(prefixOf(process.pid));
  if (making.size === 0) process.on('exit', removeMaking);
  making.add(folder);
  const server = createServer({ pauseOnConnect: true });
  try {
    await once(server.listen(path.join(folder, 'pair')), 'listening');
    const callback = (length: number): boolean => {
      onRead(SHARED, length);
      return true;
    };
    const ours = connect({ path: path.join(folder, 'pair'), onread: { buffer: SHARED, callback } });
    const [[theirs]] = (await Promise.all([once(server, 'connection'), once(ours, 'connect')])) as unknown as [[Socket], unknown];
    return { ours, theirs };
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
    making.delete(folder);
    if (making.size === 0) process.off('exit', removeMaking);
  }
}

// A process may end while it makes one.
const making = new Set<string>();
function removeMaking(): void {
  for (const folder of making) rmSync(folder, { recursive: true, force: true });
}

/** Removes what another process has left behind that was killed while it made a pair, as far as that may be done. */
export function removePairsOf(pid: number): void {
  const prefix = path.basename(prefixOf(pid));
  try {
    for (const name of readdirSync(tmpdir()))
      if (name.startsWith(prefix)) rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  } catch {
    // An empty folder among the temporary files harms nobody.
  }
}

function prefixOf(pid: number): string {
  return path.join(tmpdir(), `signalbox-pair-${pid}-`);
}
