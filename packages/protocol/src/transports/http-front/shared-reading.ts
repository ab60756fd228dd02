import { Socket, type SocketConstructorOpts } from 'node:net';

/** A socket whose bytes are given to a function. */
export interface Reading {
  /** The socket to use from now on, which need not be the one that was accepted. */
  readonly socket: Socket;
  /** From now on what arrives is for whoever listens to the socket. */
  release(): void;
  /** Takes the connection out of its socket, which closes. `undefined` where that is not possible. */
  detach(): object | undefined;
}

const READ_BYTES = 65_536;
// What is read is copied before the next read, so all connections may share this. Windows reads ahead, into one each.
const SHARED = process.platform === 'win32' ? undefined : Buffer.allocUnsafeSlow(READ_BYTES);

/** Where a socket keeps the connection as libuv knows it. Not documented, and the same for as long as Node has had sockets. */
export const HANDLE = '_handle';

interface Readable {
  readStop(): void;
}

interface Accepted {
  [HANDLE]: unknown;
}

/**
 * Has an accepted socket read into one buffer that all share, rather than into 64 KiB allocated for each read. Node offers
 * that for sockets one makes, not for those a server accepts, so the connection moves to a socket made for it. Where that
 * is not possible the socket is read in the ordinary way.
 * @param take Gets what has arrived; the bytes are only lent.
 */
export function readShared(accepted: Socket, take: (bytes: Buffer, length: number) => void): Reading {
  const shell = accepted as unknown as Accepted;
  const handle = shell[HANDLE];
  if (SHARED === undefined || typeof handle !== 'object' || handle === null) return readPlainly(accepted, take);
  shell[HANDLE] = null;
  accepted.destroy();
  let isReleased = false;
  const callback = (length: number): boolean => {
    if (isReleased) return socket.push(Buffer.from(SHARED.subarray(0, length)));
    take(SHARED, length);
    return true;
  };
  const socket = new Socket({ handle, allowHalfOpen: true, onread: { buffer: SHARED, callback } } as SocketConstructorOpts);
  const detach = (): object => {
    (handle as Readable).readStop();
    (socket as unknown as Accepted)[HANDLE] = null;
    socket.destroy();
    return handle;
  };
  return { socket, release: () => (isReleased = true), detach };
}

function readPlainly(socket: Socket, take: (bytes: Buffer, length: number) => void): Reading {
  const onData = (chunk: Buffer): void => take(chunk, chunk.length);
  return { socket: socket.on('data', onData), release: () => socket.off('data', onData), detach: () => undefined };
}
