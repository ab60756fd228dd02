import { rmSync, rmdirSync } from 'node:fs';
import {
  Agent,
  createServer,
  request as sendRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from 'node:http';
import { dirname } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { PassedRequest } from '@signalbox/protocol';

/** What may wait for a client that reads slowly, in bytes; beyond it we stop reading from the other worker. */
const MAX_UNREAD_BYTES = 1_048_576;
const LOOK_AGAIN_MS = 20;
/** On what a worker says itself. */
const WORD_HEADER = 'x-signalbox-worker';
const TELL_MS = 5_000;
/** More than facts and callers that may wait ever are. */
const MAX_SAID_BYTES = 16 * 1024 * 1024;
/** Headers of one connection, which the next has of its own. */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'date', 'upgrade', 'expect']);

export interface Relay {
  /**
   * Has a request served by another worker.
   * @param onUnreachable Called when nobody is there and nothing of the request has gone out.
   */
  pass(home: string, passed: PassedRequest, onUnreachable: () => void): void;
  /**
   * Tells another worker something of our own and brings what it says to that; `undefined` when nobody is there to hear it.
   * @param waitMs Longest wait for it. Default 5 seconds.
   * @throws Error when it was sent and there is no answer in time.
   */
  tell(home: string, said: Buffer, waitMs?: number): Promise<Buffer | undefined>;
  close(): void;
}

export interface RelayOptions {
  /** Where workers reach each other, in front of their names. */
  readonly socketPrefix: string;
  /** Known to workers alone, so that what they say themselves is told from what they pass on. */
  readonly token: string;
}

/** Passes requests on to other workers over their sockets. */
export function createRelay({ socketPrefix, token }: RelayOptions): Relay {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });
  return {
    pass: (home, { request, body, response }, onUnreachable) => {
      const whole = body ?? ('body' in request ? request.body : undefined);
      const { method, url, headers } = request;
      const outgoing = sendRequest({
        agent,
        socketPath: toSocketPath(socketPrefix, home),
        method,
        path: url,
        headers: toHeaders(headers, whole),
      });
      let isAnswered = false;
      let isComplete = false;
      // A body that is on its way through cannot be sent a second time.
      const isUnsent = whole !== undefined || method !== 'POST';
      outgoing.on('response', (answer) => {
        isAnswered = true;
        answer.on('end', () => (isComplete = true));
        passBack(answer, response);
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        if (isAnswered || response.destroyed) return;
        if (isUnsent && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')) onUnreachable();
        // It may have been served, so whoever sent it must decide whether to send it again.
        else response.destroy();
      });
      response.on('close', () => {
        if (!isComplete) outgoing.destroy();
      });
      if (whole !== undefined) outgoing.end(whole);
      else (request as IncomingMessage).pipe(outgoing);
    },
    tell: (home, said, waitMs = TELL_MS) =>
      new Promise((resolve, reject) => {
        const outgoing = sendRequest({
          agent,
          socketPath: toSocketPath(socketPrefix, home),
          method: 'POST',
          path: '/',
          headers: { [WORD_HEADER]: token, 'content-length': said.length },
          timeout: waitMs,
        });
        outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${waitMs} ms`)));
        outgoing.on('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
          else reject(error);
        });
        outgoing.on(
          'response',
          (answer) =>
            void buffer(answer).then(answer.statusCode === 200 ? resolve : () => reject(new Error(`status ${answer.statusCode}`)), reject),
        );
        outgoing.end(said);
      }),
    close: () => agent.destroy(),
  };
}

function toHeaders(headers: IncomingMessage['headers'], body: Buffer | undefined): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) if (!HOP_HEADERS.has(name) && value !== undefined) kept[name] = value;
  if (body !== undefined && (body.length > 0 || headers['content-type'] !== undefined)) kept['content-length'] = body.length;
  else if (headers['transfer-encoding'] !== undefined) kept['transfer-encoding'] = 'chunked';
  return kept;
}

function passBack(answer: IncomingMessage, response: PassedRequest['response']): void {
  const headers: string[] = [];
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index]!;
    if (!HOP_HEADERS.has(name.toLowerCase())) headers.push(name, answer.rawHeaders[index + 1]!);
  }
  response.writeHead(answer.statusCode!, headers);
  response.flushHeaders();
  const lookAgain = (): void => {
    if (response.destroyed || response.writableLength <= MAX_UNREAD_BYTES) answer.resume();
    else setTimeout(lookAgain, LOOK_AGAIN_MS).unref();
  };
  answer.on('data', (bytes: Buffer) => {
    if (response.destroyed) return;
    response.write(bytes);
    if (response.writableLength <= MAX_UNREAD_BYTES) return;
    answer.pause();
    setTimeout(lookAgain, LOOK_AGAIN_MS).unref();
  });
  answer.on('end', () => response.end());
  answer.on('error', () => response.destroy());
}

/** Where one worker takes requests from the others. */
export interface RelayServer {
  close(): void;
}

export interface RelayServerOptions extends RelayOptions {
  readonly name: string;
  /** Takes a request that another worker passes on. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => void;
  /** Answers what another worker says itself; absent where nobody has anything to say. */
  readonly answer: ((said: Buffer) => Buffer | Promise<Buffer>) | undefined;
}

/** Takes what other workers pass on, and what they say themselves. */
export async function serveRelayed(options: RelayServerOptions): Promise<RelayServer> {
  const path = toSocketPath(options.socketPrefix, options.name);
  const server = createServer(
    { requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0, requireHostHeader: false },
    (request, response) => {
      if (request.headers[WORD_HEADER] === options.token) void answerWord(options, { request, response });
      else options.serve(request, response);
    },
  );
  // The head was in bounds where it came in.
  server.maxHeadersCount = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path, exclusive: true }, resolve);
  });
  const remove = () => {
    removeSocket(options);
    // Whoever made the folder removes it, unless it is gone.
    if (!process.connected) removeIfEmpty(dirname(path));
  };
  process.on('exit', remove);
  return {
    close: () => {
      process.off('exit', remove);
      server.close();
      server.closeAllConnections();
      remove();
    },
  };
}

async function answerWord(
  { answer }: Pick<RelayServerOptions, 'answer'>,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  try {
    if (answer === undefined || Number(request.headers['content-length']) > MAX_SAID_BYTES) return void response.writeHead(404).end();
    const answered = await answer(await buffer(request));
    response.writeHead(200).end(answered);
  } catch {
    response.destroy();
  }
}

/** Removes what a worker is reached by. One that was killed leaves it behind. */
export function removeSocket({ socketPrefix, name }: { readonly socketPrefix: string; readonly name: string }): void {
  if (process.platform !== 'win32') rmSync(toSocketPath(socketPrefix, name), { force: true });
}

function removeIfEmpty(folder: string): void {
  if (process.platform === 'win32') return;
  try {
    rmdirSync(folder);
  } catch {
    // Others are still there, or another was the last one.
  }
}

function toSocketPath(prefix: string, name: string): string {
  return `${prefix}${name}`;
}
