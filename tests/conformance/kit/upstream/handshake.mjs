import { isObject } from '../wire/json.mjs';
import { capabilityOf, code, handshakeRevisions, levels, RpcError, toErrorMessage } from '../wire/protocol.mjs';
import { createHandshakeTasks } from './handshake-tasks.mjs';
import { answerRequest, isShared } from './requests.mjs';

const answerTimeoutMs = 20_000;

/**
 * One session of the revisions that open with `initialize`.
 * @param {{ world: any, sendUnsolicited: (message: object) => void }} options `sendUnsolicited` carries what belongs to no request.
 */
export function createSession({ world, sendUnsolicited }) {
  const pending = new Map();
  const inFlight = new Map();
  const watched = new Set();
  const tasks = createHandshakeTasks({ notify: (method, params) => sendUnsolicited({ jsonrpc: '2.0', method, params }) });
  const session = { receive, close, revision: undefined };
  let capabilities = {};
  let level = 'info';
  let lastId = -1;
  const stop = world.onChange(({ method, params }) => {
    if (session.revision === undefined || (method === 'notifications/resources/updated' && !watched.has(params.uri))) return;
    sendUnsolicited({ jsonrpc: '2.0', method, params });
  });
  return session;

  /**
   * Takes one message of the client.
   * @param {{ send: (message: object) => void }} channel Carries what belongs to this request.
   * @returns {Promise<object | undefined>} The response; none for notifications, responses and cancelled requests.
   */
  async function receive(message, channel) {
    if (message.method === undefined) return void settle(message);
    if (message.id === undefined) return void hear(message);
    const abort = new AbortController();
    inFlight.set(message.id, abort);
    try {
      const result = await answer(message, { channel, signal: abort.signal });
      return abort.signal.aborted ? undefined : { jsonrpc: '2.0', id: message.id, result };
    } catch (error) {
      return abort.signal.aborted ? undefined : toErrorMessage(message.id, error);
    } finally {
      inFlight.delete(message.id);
    }
  }

  function close() {
    stop();
    for (const abort of inFlight.values()) abort.abort(new Error('The session ended'));
    tasks.close();
  }

  function settle({ id, error, result }) {
    const waiting = pending.get(id);
    pending.delete(id);
    if (error) waiting?.reject(new Error(`The client refused: ${error.message}`));
    else waiting?.resolve(result);
  }

  function hear({ method, params }) {
    world.journal.hear(method, params);
    if (method === 'notifications/cancelled') inFlight.get(params?.requestId)?.abort(new Error(params?.reason ?? 'no reason'));
  }

  function answer({ method, params }, { channel, signal }) {
    if (method === 'initialize') return initialize(params);
    if (method === 'ping') return {};
    if (session.revision === undefined) throw new RpcError(code.invalidRequest, 'The session is not initialized');
    if (isShared(method)) return answerRequest(toContext({ method, params, channel, signal }));
    if (tasks.serves(method)) return tasks.answer(method, { params, request: (asked) => requestClient(asked, channel, signal) });
    switch (method) {
      case 'resources/subscribe':
        watched.add(params?.uri);
        world.journal.hear(method, params);
        return {};
      case 'resources/unsubscribe':
        watched.delete(params?.uri);
        world.journal.hear(method, params);
        return {};
      case 'logging/setLevel':
        if (!levels.includes(params?.level)) throw new RpcError(code.invalidParams, `Unknown log level "${params?.level}"`);
        level = params.level;
        return {};
      default:
        throw new RpcError(code.methodNotFound, `Unknown method "${method}"`);
    }
  }

  function initialize(params) {
    capabilities = isObject(params?.capabilities) ? params.capabilities : {};
    session.revision = handshakeRevisions.includes(params?.protocolVersion) ? params.protocolVersion : handshakeRevisions[0];
    world.journal.open({ method: 'initialize', params });
    return {
      protocolVersion: session.revision,
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
        tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
        experimental: { 'kit.test/vendor': { level: 3 } },
        extensions: { 'kit.test/extension': { settings: [1] } },
      },
      serverInfo: world.info,
      instructions: world.instructions,
    };
  }

  function toContext({ method, params, channel, signal }) {
    const token = params?._meta?.progressToken;
    const notify = (name, rest) => channel.send({ jsonrpc: '2.0', method: name, params: rest });
    return {
      world,
      generation: 'handshake',
      method,
      params,
      signal,
      notFoundCode: code.resourceNotFound,
      notify,
      log: (at, rest) => levels.indexOf(at) >= levels.indexOf(level) && notify('notifications/message', { level: at, ...rest }),
      progress: (rest) => token !== undefined && notify('notifications/progress', { progressToken: token, ...rest }),
      ask: async (_round, requests) => {
        const answers = Object.entries(requests).map(async ([key, request]) => [key, await requestClient(request, channel, signal)]);
        return Object.fromEntries(await Promise.all(answers));
      },
      startTask: (run, context) => (isObject(params?.task) ? tasks.start(run, { context, asked: params.task }) : undefined),
    };
  }

  function requestClient({ method, params }, channel, signal) {
    if (!(capabilityOf[method] in capabilities)) throw new Error(`The client does not support ${capabilityOf[method]}`);
    // Numbers from zero: the ids that clients use, too, so that whoever confuses the two directions is found out.
    const id = ++lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`The client did not answer ${method} in ${answerTimeoutMs} ms`)), answerTimeoutMs);
      timer.unref();
      signal.addEventListener('abort', () => reject(new Error('The request was cancelled')), { once: true });
      const settled = (settle) => (value) => {
        clearTimeout(timer);
        settle(value);
      };
      pending.set(id, { resolve: settled(resolve), reject: settled(reject) });
      channel.send({ jsonrpc: '2.0', id, method, params });
    });
  }
}
