import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
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
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-pair-'));
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
  }
}
