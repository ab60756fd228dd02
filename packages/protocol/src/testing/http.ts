import { request, type Agent, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { SseDecoder } from '../messages/sse.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The messages of the answer: one if it is JSON, any number if it is a stream. */
  readonly messages: Record<string, unknown>[];
}

export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Text received so far. */
  readonly text: () => string;
  readonly messages: () => Record<string, unknown>[];
  /** Reads no further. */
  readonly pause: () => void;
  /** Closes the connection without waiting for the end. */
  readonly abort: () => void;
  /** Resolves when the answer is whole or cut off. */
  readonly ended: Promise<void>;
}

export const JSON_HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

/** Sends one request, on a connection of its own unless an agent is given, and resolves as soon as the head of the answer is here. */
export function open(
  url: string,
  options: {
    readonly method?: string;
    readonly headers?: Record<string, string | string[]>;
    readonly body?: unknown;
    readonly agent?: Agent;
  } = {},
): Promise<OpenAnswer> {
  const { method = 'POST', headers = {}, body, agent = false } = options;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: method === 'POST' ? { ...JSON_HEADERS, ...headers } : headers, agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      const text = () => Buffer.concat(chunks).toString('utf8');
      resolve({
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        text,
        messages: () => toMessages(Buffer.concat(chunks), answer.headers['content-type']),
        pause: () => void answer.pause(),
        abort: () => sent.destroy(),
        ended: new Promise((over) => {
          answer.on('close', () => over());
        }),
      });
    });
    sent.on('error', reject);
    sent.end(body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
  });
}

/** Sends one request and waits for the whole answer. */
export async function send(url: string, options: Parameters<typeof open>[1] = {}): Promise<HttpAnswer> {
  const answer = await open(url, options);
  await answer.ended;
  return { status: answer.status, headers: answer.headers, text: answer.text(), messages: answer.messages() };
}

/** Writes bytes to the server's port and resolves with all it answers until it closes the connection or `until` matches. */
export function sendRaw(url: string, bytes: string | Buffer, until: RegExp = /\r\n\r\n/): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    const finish = () => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (until.test(text)) finish();
    });
    socket.on('error', finish);
    socket.on('close', finish);
  });
}

/** Waits until something holds, looking again after each turn of the event loop. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 15_000;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`It took too long until ${what}`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

function toMessages(bytes: Buffer, type: string | undefined): Record<string, unknown>[] {
  if (bytes.length === 0 || (type !== 'application/json' && type !== 'text/event-stream')) return [];
  if (type === 'application/json') return [JSON.parse(bytes.toString('utf8')) as Record<string, unknown>];
  const messages: Record<string, unknown>[] = [];
  new SseDecoder({
    maxBytes: 1e8,
    // The event that opens a stream carries no message.
    onEvent: ({ data }) => data.length > 0 && messages.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>),
  }).push(bytes);
  return messages;
}
