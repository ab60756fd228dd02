import { connect, type Socket } from 'node:net';
import { META_MEMBERS, MODERN } from './calls.ts';
import { readAnswers, type RawMessage } from './raw-http.ts';

/** The messages that answered one call, or nothing when it was broken off. */
export type Answered = readonly CallerMessage[] | undefined;

export interface CallerMessage extends RawMessage {
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface CallerOptions {
  readonly id: number | string;
  readonly tool: string;
  readonly text: string;
  /** A progress token, which callers choose without knowing of each other. */
  readonly token?: number | string | undefined;
  /** Breaks the connection off this long after sending, in milliseconds. */
  readonly abortAfterMs?: number | undefined;
}

/** One client with a connection of its own, of the modern revision or in a session. One call at a time. */
export class Caller {
  readonly #url: URL;
  readonly #sessionId: string | undefined;
  #socket: Socket | undefined;
  #answer = '';
  #settle: ((outcome: Answered | Error) => void) | undefined;

  /** @param sessionId A session of its own; without one it speaks the modern revision. */
  constructor(url: string, sessionId: string | undefined) {
    this.#url = new URL(url);
    this.#sessionId = sessionId;
  }

  get isModern(): boolean {
    return this.#sessionId === undefined;
  }

  /** @throws Error when the gateway breaks the connection off. */
  call({ id, tool, text, token, abortAfterMs }: CallerOptions): Promise<Answered> {
    const meta = { ...(this.isModern ? META_MEMBERS : {}), ...(token === undefined ? {} : { progressToken: token }) };
    const params = { name: tool, arguments: { text }, ...(this.isModern || token !== undefined ? { _meta: meta } : {}) };
    const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
    const own = this.isModern
      ? `MCP-Protocol-Version: ${MODERN}\r\nMcp-Method: tools/call\r\nMcp-Name: ${tool}`
      : `MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: ${this.#sessionId!}`;
    const head = `POST ${this.#url.pathname} HTTP/1.1\r\nHost: ${this.#url.host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream`;
    return new Promise((resolve, reject) => {
      const settle = (outcome: Answered | Error): void => {
        this.#settle = undefined;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      this.#settle = settle;
      (this.#socket ??= this.#connect()).write(`${head}\r\n${own}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      if (abortAfterMs !== undefined)
        setTimeout(() => {
          // By then it may be another call that waits.
          if (this.#settle !== settle) return;
          this.reconnect();
          settle(undefined);
        }, abortAfterMs);
    });
  }

  /** Goes on over a new connection. */
  reconnect(): void {
    this.close();
    this.#socket = undefined;
    this.#answer = '';
  }

  close(): void {
    this.#socket?.destroy();
  }

  #connect(): Socket {
    const socket = connect(Number(this.#url.port), this.#url.hostname);
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#answer += text;
      const { answers } = readAnswers(this.#answer);
      if (answers[0] === undefined) return;
      this.#answer = '';
      this.#settle?.(messagesOf(answers[0].body));
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (socket === this.#socket) this.#settle?.(new Error('The gateway closed the connection'));
    });
    return socket;
  }
}

function messagesOf(answer: string): CallerMessage[] {
  if (answer === '') return [];
  // An event without data only moves the place from which a stream is resumed.
  const lines = answer.split('\n').filter((line) => line.startsWith('data: {'));
  const texts = answer.startsWith('{') ? [answer] : lines.map((line) => line.slice(6));
  return texts.map((text) => JSON.parse(text) as CallerMessage);
}
