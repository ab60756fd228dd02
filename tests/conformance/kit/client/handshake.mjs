import { stringifyJson } from '../wire/json.mjs';
import { handshakeRevisions, toErrorMessage } from '../wire/protocol.mjs';
import { createConnection, createExchange, take } from './connection.mjs';
import { createInbox } from './inbox.mjs';
import { allCapabilities, reply as replyToAll } from './replies.mjs';

/**
 * Opens a session as a client of the handshake generation, over raw HTTP.
 * @param {{
 *   url: string, revision?: string, capabilities?: object, info?: object, headers?: Record<string, string>, timeoutMs?: number,
 *   reply?: (request: any) => any, hasStream?: boolean,
 * }} options `reply` answers what the server asks; `hasStream: false` leaves out the stream of what belongs to no request.
 */
export async function openHandshake(options) {
  const { url, revision = handshakeRevisions[0], reply = replyToAll, timeoutMs = 10_000, hasStream = true } = options;
  const connection = createConnection({ url, timeoutMs });
  const unsolicited = createInbox();
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...options.headers };
  let lastId = -1;

  const { response: opened, headers: received } = await request('initialize', {
    protocolVersion: revision,
    capabilities: options.capabilities ?? allCapabilities,
    clientInfo: options.info ?? { name: 'transparency-kit', version: '1.0.0' },
  }).catch((error) => {
    connection.close();
    throw error;
  });
  if (opened.result === undefined) throw new Error(`"initialize" was refused: ${stringifyJson(opened)}`);
  if (received['mcp-session-id'] !== undefined) headers['mcp-session-id'] = received['mcp-session-id'];
  headers['mcp-protocol-version'] = opened.result.protocolVersion;
  await notify('notifications/initialized');
  if (hasStream) await openStream();
  return { generation: 'handshake', opening: opened.result, unsolicited, request, notify, watch, setLevel, close };

  /**
   * Sends one request and waits for its answer.
   * @param {{
   *   id?: string | number, meta?: object, signal?: AbortSignal, timeoutMs?: number, onEvent?: (message: any) => void,
   *   reply?: (request: any) => any,
   * }} [own]
   */
  async function request(method, params, own = {}) {
    const { id = ++lastId, meta, onEvent } = own;
    const exchange = createExchange(id);
    const answers = [];
    await connection.post(
      { jsonrpc: '2.0', id, method, params: meta === undefined ? params : { ...params, _meta: { ...params?._meta, ...meta } } },
      {
        headers,
        signal: own.signal,
        timeoutMs: own.timeoutMs,
        onOpen: (opening) => Object.assign(exchange, opening),
        onMessage(message) {
          const asked = take(exchange, message);
          if (asked !== undefined) answers.push(answer(asked, own.reply ?? reply));
          else if (message.method !== undefined) onEvent?.(message);
        },
      },
    );
    await Promise.all(answers);
    if (exchange.response === undefined)
      throw new Error(`${method} got no answer: HTTP ${exchange.status}, ${exchange.events.length} events`);
    return exchange;
  }

  function notify(method, params) {
    return connection.post({ jsonrpc: '2.0', method, params }, { headers });
  }

  async function answer(asked, decide) {
    let message;
    try {
      message = { jsonrpc: '2.0', id: asked.id, result: await decide(asked) };
    } catch (error) {
      message = toErrorMessage(asked.id, error);
    }
    await connection.post(message, { headers });
  }

  /** Opens the stream of what belongs to no request; resolves once it is open or refused. */
  function openStream() {
    const { 'content-type': _type, ...own } = headers;
    return new Promise((resolve) => {
      const onMessage = (message) => {
        unsolicited.add(message);
        if (message.method !== undefined && message.id !== undefined) answer(message, reply).catch(() => undefined);
      };
      connection.get({ headers: { ...own, accept: 'text/event-stream' }, onOpen: resolve, onMessage }).then(resolve, resolve);
    });
  }

  function setLevel(level) {
    return request('logging/setLevel', { level });
  }

  /** Hears of changes to lists, and of those resources. */
  async function watch({ uris = [] } = {}) {
    for (const uri of uris) await request('resources/subscribe', { uri });
    return {
      inbox: unsolicited,
      stop: async () => {
        for (const uri of uris) await request('resources/unsubscribe', { uri });
      },
    };
  }

  /** Ends the session. */
  async function close() {
    const { 'content-type': _type, ...own } = headers;
    await connection.end(own).catch(() => undefined);
    connection.close();
  }
}
