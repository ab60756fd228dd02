import { connect } from 'node:net';
import { HttpConnection } from './http-connection.mjs';

const HANDSHAKE = '2025-11-25';
const MODERN = '2026-07-28';
const META = 'io.modelcontextprotocol/';
const CLIENT = { name: 'bench', version: '1.0.0' };

/** An MCP client that does as little as it can: one session over one kept-alive connection. */
export class McpClient {
  sessionId;
  #url;
  #connection;
  #era;
  #head;
  #lastId = 0;

  /** @param {{ url: string, era?: 'handshake' | 'modern' }} options */
  constructor({ url, era = 'handshake' }) {
    this.#url = new URL(url);
    this.#era = era;
    this.#connection = new HttpConnection({ host: this.#url.hostname, port: Number(this.#url.port) });
    this.#head = this.#headWith(era === 'modern' ? { 'MCP-Protocol-Version': MODERN } : {});
  }

  /** Opens the session. A client of the modern revision has nothing to open. */
  async open() {
    if (this.#era === 'modern') return;
    const params = { protocolVersion: HANDSHAKE, capabilities: {}, clientInfo: CLIENT };
    const { answer, message } = await this.#post('initialize', params);
    if (message.error !== undefined) throw new Error(`initialize was refused: ${message.error.message}`);
    this.sessionId = answer.header('mcp-session-id');
    const session = this.sessionId === undefined ? {} : { 'Mcp-Session-Id': this.sessionId };
    this.#head = this.#headWith({ 'MCP-Protocol-Version': message.result.protocolVersion, ...session });
    await this.#send('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  /** Sends a request and resolves with its result. @throws Error for anything but a result under the right id. */
  async request(method, params = {}, timeoutMs = undefined) {
    const { message } = await this.#post(method, params, timeoutMs);
    if (message.error !== undefined) throw new Error(`${method} was refused: ${message.error.message}`);
    return message.result;
  }

  /** Calls a tool and returns its text. @throws Error also when the tool failed. */
  async call(name, args = {}, timeoutMs = undefined) {
    const result = await this.request('tools/call', { name, arguments: args }, timeoutMs);
    if (result.isError) throw new Error(`${name} failed: ${result.content[0]?.text}`);
    return result.content[0].text;
  }

  /** HTTP status of a ping: 200 while the session lives, 404 once it is gone. */
  async statusOfPing() {
    const answer = await this.#send(JSON.stringify({ jsonrpc: '2.0', id: ++this.#lastId, method: 'ping' }));
    return answer.status;
  }

  /** Opens the stream a client keeps for notifications, on a connection of its own. Resolves with the socket once the server has answered. */
  openStream() {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true });
      const head = this.#head
        .replace(/^POST/, 'GET')
        .replace(/Content-Type: [^\r]*\r\n/, '')
        .replace(/application\/json, /, '');
      socket.once('connect', () => socket.write(`${head}\r\n`));
      socket.once('error', reject);
      socket.once('data', (bytes) => {
        const status = Number(bytes.latin1Slice(9, 12));
        if (status === 200) resolve(socket.resume());
        else {
          socket.destroy();
          reject(new Error(`The stream was refused with HTTP ${status}`));
        }
      });
    });
  }

  /** Ends the session at the server. */
  async end() {
    const head = this.#head.replace(/^POST/, 'DELETE').replace(/Content-Type: [^\r]*\r\n/, '');
    if (this.sessionId !== undefined) await this.#connection.exchange(`${head}\r\n`);
    this.close();
  }

  /** Drops the connection and leaves the session to the server. */
  close() {
    this.#connection.close();
  }

  async #post(method, params, timeoutMs) {
    const id = ++this.#lastId;
    const isModern = this.#era === 'modern';
    const body = JSON.stringify({ jsonrpc: '2.0', id, method, params: isModern ? { ...params, _meta: MODERN_META } : params });
    const named = isModern ? `Mcp-Method: ${method}\r\n${params.name === undefined ? '' : `Mcp-Name: ${params.name}\r\n`}` : '';
    const answer = await this.#send(body, { named, timeoutMs });
    const message = messageOf(answer, id);
    if (message === undefined) throw new Error(`${method} got HTTP ${answer.status} and no answer: ${String(answer.body).slice(0, 200)}`);
    return { answer, message };
  }

  #send(body, { named = '', timeoutMs } = {}) {
    return this.#connection.exchange(`${this.#head}${named}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, timeoutMs);
  }

  #headWith(headers) {
    const fixed = { Host: this.#url.host, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };
    const lines = Object.entries({ ...fixed, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return `POST ${this.#url.pathname} HTTP/1.1\r\n${lines.join('')}`;
  }
}

const MODERN_META = {
  [`${META}protocolVersion`]: MODERN,
  [`${META}clientInfo`]: CLIENT,
  [`${META}clientCapabilities`]: {},
};

function messageOf(answer, id) {
  const type = answer.header('content-type') ?? '';
  const text = answer.body.toString('utf8');
  const texts = type.startsWith('text/event-stream')
    ? (text.match(/(?<=^data: ?)\{.*$/gm) ?? [])
    : type.startsWith('application/json')
      ? [text]
      : [];
  return texts.map((part) => JSON.parse(part)).find((message) => message.id === id && message.method === undefined);
}
