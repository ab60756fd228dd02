import { stringifyJson } from '../wire/json.mjs';
import { metaKey, modernRevision, nameMember, tasksExtension, toHeaderValue } from '../wire/protocol.mjs';
import { createConnection, createExchange, take } from './connection.mjs';
import { createInbox } from './inbox.mjs';
import { allCapabilities, reply as replyToAll } from './replies.mjs';

const maxRounds = 10;

/**
 * A client of the modern generation, over raw HTTP. Nothing is opened: each request is complete in itself.
 * @param {{
 *   url: string, capabilities?: object, info?: object, headers?: Record<string, string>, timeoutMs?: number,
 *   reply?: (request: any) => any, knowsTasks?: boolean,
 * }} options
 */
export async function openModern(options) {
  const { url, reply = replyToAll, timeoutMs = 10_000, knowsTasks = false } = options;
  const connection = createConnection({ url, timeoutMs });
  const extensions = knowsTasks ? { extensions: { [tasksExtension]: {} } } : {};
  const own = {
    [metaKey.protocolVersion]: modernRevision,
    [metaKey.clientInfo]: options.info ?? { name: 'transparency-kit', version: '1.0.0' },
    [metaKey.clientCapabilities]: options.capabilities ?? { ...allCapabilities, ...extensions },
  };
  let level = {};
  let lastId = -1;
  const { response: opened } = await request('server/discover').catch((error) => {
    connection.close();
    throw error;
  });
  if (opened.result === undefined) throw new Error(`"server/discover" was refused: ${stringifyJson(opened)}`);
  return { generation: 'modern', opening: opened.result, unsolicited: createInbox(), request, notify, watch, setLevel, close };

  /**
   * Sends one request and, as long as the server needs input, again with the answers.
   * @param {{
   *   id?: string | number, meta?: object, signal?: AbortSignal, timeoutMs?: number, onEvent?: (message: any) => void,
   *   reply?: (request: any) => any, isSingle?: boolean, headers?: Record<string, string>,
   * }} [given] `isSingle` leaves an `input_required` result unanswered.
   */
  async function request(method, params, given = {}) {
    const exchange = createExchange();
    let sent = params;
    for (let round = 0; round <= maxRounds; round++) {
      await sendOnce(method, { params: sent, given, exchange });
      const { result } = exchange.response;
      if (result?.resultType !== 'input_required' || given.isSingle) return exchange;
      exchange.rounds.push(result);
      const inputResponses = {};
      for (const [key, asked] of Object.entries(result.inputRequests ?? {})) {
        exchange.asks.push({ method: asked.method, params: asked.params });
        inputResponses[key] = await (given.reply ?? reply)(asked);
      }
      sent = { ...params, inputResponses, requestState: result.requestState };
    }
    throw new Error(`${method} still needs input after ${maxRounds} rounds`);
  }

  async function sendOnce(method, { params, given, exchange }) {
    const id = given.id ?? ++lastId;
    Object.assign(exchange, { id, response: undefined });
    await post(
      { jsonrpc: '2.0', id, method, params: { ...params, _meta: { ...params?._meta, ...own, ...level, ...given.meta } } },
      {
        headers: given.headers,
        signal: given.signal,
        timeoutMs: given.timeoutMs,
        onOpen: (opening) => Object.assign(exchange, opening),
        onMessage(message) {
          take(exchange, message);
          if (message.method !== undefined) given.onEvent?.(message);
        },
      },
    );
    if (exchange.response === undefined)
      throw new Error(`${method} got no answer: HTTP ${exchange.status}, ${exchange.events.length} events`);
  }

  function post(message, { headers, ...rest }) {
    return connection.post(message, { headers: { ...headersOf(message), ...options.headers, ...headers }, ...rest });
  }

  function notify(method, params) {
    return post({ jsonrpc: '2.0', method, params: { ...params, _meta: { ...params?._meta, ...own } } }, {});
  }

  /** From now on each request asks for logs of this level. */
  function setLevel(wanted) {
    level = { [metaKey.logLevel]: wanted };
    return Promise.resolve();
  }

  /** Hears of changes to lists, of those resources and of those tasks; `acknowledged` is what the server promised first. */
  async function watch({ uris = [], taskIds, id = ++lastId } = {}) {
    const inbox = createInbox();
    const stopped = new AbortController();
    const filter = { toolsListChanged: true, promptsListChanged: true, resourcesListChanged: true, resourceSubscriptions: uris, taskIds };
    const body = { jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications: filter, _meta: own } };
    const stream = post(body, { signal: stopped.signal, onMessage: (message) => inbox.add(message), timeoutMs: 120_000 });
    let isOver = false;
    stream.catch(() => undefined).finally(() => (isOver = true));
    const acknowledged = await inbox.waitFor(() => true);
    return { inbox, id, acknowledged, isOver: () => isOver, stop: () => stopped.abort() };
  }

  async function close() {
    connection.close();
  }
}

function headersOf({ method, params }) {
  const named = params?.[nameMember[method]];
  const region = method === 'tools/call' && String(named).endsWith('_mirrored') ? params.arguments?.region : undefined;
  return {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': modernRevision,
    'mcp-method': method,
    ...(named === undefined ? {} : { 'mcp-name': toHeaderValue(named) }),
    ...(region === undefined ? {} : { 'mcp-param-kit-region': toHeaderValue(region) }),
  };
}
