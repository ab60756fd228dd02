import { connect, type Socket } from 'node:net';
import { once } from 'node:events';

/** One answer as it came over a connection. */
export interface RawAnswer {
  readonly status: number;
  /** Lower-cased names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The message in the body, or in its last event. */
  readonly message: RawMessage | undefined;
}

export interface RawMessage {
  readonly id?: unknown;
  readonly result?: Readonly<Record<string, unknown>> & { readonly content?: readonly { readonly text: string }[] };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Readonly<Record<string, unknown>> };
}

export interface Conversation {
  readonly answers: readonly RawAnswer[];
  /** What came and is no whole answer. */
  readonly rest: string;
}

export interface RawConnection {
  readonly socket: Socket;
  /** Everything that came so far. */
  read(): Conversation;
  /** Resolves with what came once that many whole answers are there or the other side has closed. */
  until(count: number): Promise<Conversation>;
  /** Resolves with the status of the first answer as soon as its head is there; with 0 when the other side closes without one. */
  status(): Promise<number>;
  /** Resolves when the other side has closed; whether it did so within the time. */
  closedWithin(timeoutMs: number): Promise<boolean>;
  close(): void;
}

/** Opens a connection on which a test writes bytes and reads answers. */
export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  let bytes = '';
  socket.on('data', (chunk: Buffer) => (bytes += chunk.toString('latin1')));
  // That the other side ends it while we write is what many tests are about.
  socket.on('error', () => undefined);
  let isClosed = false;
  const closed = new Promise<boolean>((resolve) => {
    socket.once('close', () => resolve((isClosed = true)));
  });
  await once(socket, 'connect');
  const untilFound = <Found>(find: () => Found | undefined): Promise<Found> =>
    new Promise((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        socket.off('data', look);
        resolve(found);
      };
      socket.on('data', look);
      void closed.then(look);
      look();
    });
  return {
    socket,
    read: () => readAnswers(bytes),
    until: (count) =>
      untilFound(() => {
        const conversation = readAnswers(bytes);
        return isClosed || conversation.answers.length >= count ? conversation : undefined;
      }),
    status: () =>
      untilFound(() => {
        const status = /^HTTP\/1\.1 (\d{3}) [^]*?\r\n\r\n/.exec(bytes)?.[1];
        return status === undefined ? (isClosed ? 0 : undefined) : Number(status);
      }),
    async closedWithin(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
      const isInTime = await Promise.race([closed, limit]);
      clearTimeout(timer);
      return isInTime;
    },
    close: () => socket.destroy(),
  };
}

/** Sends bytes and returns the status of the answer, without waiting for its end. 0 when the other side closes without one. */
export async function askStatus(url: string, bytes: Buffer): Promise<number> {
  const connection = await openRaw(url);
  connection.socket.write(bytes);
  const status = await connection.status();
  connection.close();
  return status;
}

/** Writes each byte by itself, so that the other side is woken between them. */
export async function writeBytewise(socket: Socket, bytes: Buffer): Promise<void> {
  for (let index = 0; index < bytes.length && !socket.destroyed; index++) {
    socket.write(bytes.subarray(index, index + 1));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Reads whole answers from the beginning of what came. */
export function readAnswers(bytes: string): Conversation {
  const answers: RawAnswer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) break;
    const [line, ...fields] = bytes.slice(at, end).split('\r\n');
    const headers = Object.fromEntries(
      fields.map((field) => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 1).trim()]),
    );
    const status = Number(line!.split(' ')[1]);
    const found = status < 200 ? { body: '', next: end + 4 } : readBody(bytes, end + 4, headers);
    if (found === undefined) break;
    at = found.next;
    const body = Buffer.from(found.body, 'latin1').toString('utf8');
    if (status >= 200) answers.push({ status, headers, body, message: messageOf(body) });
  }
  return { answers, rest: bytes.slice(at) };
}

function readBody(
  bytes: string,
  start: number,
  headers: Readonly<Record<string, string>>,
): { readonly body: string; readonly next: number } | undefined {
  if (headers['transfer-encoding'] === 'chunked') {
    let body = '';
    for (let at = start; ;) {
      const end = bytes.indexOf('\r\n', at);
      if (end < 0) return undefined;
      const size = Number.parseInt(bytes.slice(at, end), 16);
      const next = end + 2 + size + 2;
      if (bytes.length < next) return undefined;
      if (size === 0) return { body, next };
      body += bytes.slice(end + 2, end + 2 + size);
      at = next;
    }
  }
  const next = start + Number(headers['content-length'] ?? 0);
  return bytes.length < next ? undefined : { body: bytes.slice(start, next), next };
}

function messageOf(body: string): RawMessage | undefined {
  const text = body.startsWith('{')
    ? body
    : body
        .split('\n')
        .findLast((line) => line.startsWith('data: {'))
        ?.slice(6);
  try {
    return text === undefined ? undefined : (JSON.parse(text) as RawMessage);
  } catch {
    return undefined;
  }
}
