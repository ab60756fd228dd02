import { createHmac, randomBytes } from 'node:crypto';
import { isObject, JsonText, parseJson, stringifyJson } from '../wire/json.mjs';
import { capabilityOf, code, levels, metaKey, modernRevision, RpcError, tasksExtension, toErrorMessage } from '../wire/protocol.mjs';
import { createModernTasks } from './modern-tasks.mjs';
import { answerRequest, InputRequired, isShared } from './requests.mjs';

const capabilities = {
  tools: { listChanged: true },
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  completions: {},
  logging: {},
  experimental: { 'kit.test/vendor': { level: 3 } },
  extensions: { [tasksExtension]: {}, 'kit.test/extension': { settings: [1] } },
};
const flags = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' };

/** The revision without sessions: every request stands alone. */
export function createModern({ world }) {
  const secret = randomBytes(32);
  const tasks = createModernTasks();
  const methods = {
    'server/discover': () => ({ supportedVersions: [modernRevision], capabilities, instructions: world.instructions }),
    'subscriptions/listen': listen,
  };

  return {
    /** Whether a request of this name is served at all; asked before anything else about a request is checked. */
    knows: (method) => method in methods || isShared(method) || tasks.serves(method),

    /**
     * Answers one request.
     * @param {{ send: (message: object) => void, signal: AbortSignal, headers?: object }} channel
     * @returns {Promise<object | undefined>} The response, or none once the signal has fired.
     */
    async receive(message, channel) {
      const { id, method } = message;
      try {
        const result = await answer(message, channel);
        return channel.signal.aborted ? undefined : { jsonrpc: '2.0', id, result: complete(result, method) };
      } catch (error) {
        if (channel.signal.aborted) return undefined;
        if (error instanceof InputRequired) return { jsonrpc: '2.0', id, result: complete(error.result) };
        return toErrorMessage(id, error);
      }
    },

    hear: ({ method, params }) => world.journal.hear(method, params),
  };

  function answer({ id, method, params }, channel) {
    if (!(method in methods || isShared(method) || tasks.serves(method)))
      throw new RpcError(code.methodNotFound, `Unknown method "${method}"`);
    const meta = readMeta(params);
    if (method in methods) return methods[method]({ id, params, ...channel });
    if (!tasks.serves(method)) return answerRequest(toContext({ method, params, meta, ...channel }));
    if (!knowsTasks(meta)) refuseWithoutTasks();
    return tasks.answer(method, params);
  }

  function listen({ id, params, send, signal }) {
    const wanted = isObject(params.notifications) ? params.notifications : {};
    const uris = Array.isArray(wanted.resourceSubscriptions) ? wanted.resourceSubscriptions : [];
    const taskIds = Array.isArray(wanted.taskIds) ? wanted.taskIds : [];
    const honoured = {
      ...Object.fromEntries(Object.keys(flags).flatMap((flag) => (wanted[flag] === true ? [[flag, true]] : []))),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
      ...(taskIds.length > 0 ? { taskIds } : {}),
    };
    const notify = (method, rest = {}) => {
      send({ jsonrpc: '2.0', method, params: { ...rest, _meta: { ...rest._meta, [metaKey.subscriptionId]: id } } });
    };
    notify('notifications/subscriptions/acknowledged', { notifications: honoured });
    for (const uri of uris) world.journal.hear('subscriptions/listen', { uri });
    const wants = ({ method, params: told }) =>
      method === 'notifications/resources/updated'
        ? uris.includes(told.uri)
        : Object.entries(flags).some(([flag, kind]) => honoured[flag] && method === `notifications/${kind}/list_changed`);
    const stops = [
      world.onChange((notification) => wants(notification) && notify(notification.method, notification.params)),
      tasks.onChange((task) => taskIds.includes(task.taskId) && notify('notifications/tasks', task)),
    ];
    return new Promise((resolve) => {
      const end = () => {
        for (const stop of stops) stop();
        for (const uri of uris) world.journal.hear('subscriptions/end', { uri });
        resolve({});
      };
      signal.addEventListener('abort', end, { once: true });
    });
  }

  function toContext({ method, params, meta, send, signal, headers }) {
    const notify = (name, rest) => send({ jsonrpc: '2.0', method: name, params: rest });
    const token = meta.progressToken;
    const least = levels.indexOf(meta[metaKey.logLevel]);
    return {
      world,
      generation: 'modern',
      method,
      params,
      headers,
      signal,
      notFoundCode: code.invalidParams,
      notify,
      log: (at, rest) => least >= 0 && levels.indexOf(at) >= least && notify('notifications/message', { level: at, ...rest }),
      progress: (rest) => token !== undefined && notify('notifications/progress', { progressToken: token, ...rest }),
      ask: createAsk({ method, params, clientCapabilities: meta[metaKey.clientCapabilities] }),
      startTask: (run, context) => (knowsTasks(meta) ? tasks.start(run, context) : undefined),
    };
  }

  // A tool runs again for every round. What was answered in earlier rounds travels in the state, sealed and bound to the request.
  function createAsk({ method, params, clientCapabilities }) {
    const scope = stringifyJson([method, params.name ?? params.uri, params.arguments]);
    const state = params.requestState === undefined ? { answers: {} } : open(params.requestState, scope);
    const known = { ...state.answers, ...(state.round === undefined ? {} : { [state.round]: params.inputResponses ?? {} }) };
    return (round, requests) => {
      const given = known[round] ?? {};
      const missing = Object.entries(requests).filter(([key]) => !isObject(given[key]));
      if (missing.length === 0) return Promise.resolve(given);
      for (const [, request] of missing) {
        const capability = capabilityOf[request.method];
        if (capability in clientCapabilities) continue;
        const data = { requiredCapabilities: { [capability]: {} } };
        throw new RpcError(code.missingCapability, `The client does not support ${capability}`, data);
      }
      const requestState = seal({ round, answers: known }, scope);
      const result = { resultType: 'input_required', inputRequests: Object.fromEntries(missing), requestState, 'kit.test/unknown': round };
      return Promise.reject(new InputRequired(result));
    };
  }

  function seal(state, scope) {
    const body = Buffer.from(stringifyJson(state)).toString('base64url');
    return `${body}.${sign(body, scope)}`;
  }

  function open(sealed, scope) {
    const [body = '', signature = ''] = String(sealed).split('.');
    if (signature !== sign(body, scope)) throw new RpcError(code.invalidParams, 'The parameter "requestState" is not one of ours');
    return parseJson(Buffer.from(body, 'base64url').toString());
  }

  function sign(body, scope) {
    return createHmac('sha256', secret).update(`${scope} ${body}`).digest('hex');
  }

  function complete(result, method) {
    // Text that is written as it is has no room for members; all it needs is put in front.
    if (result instanceof JsonText) return new JsonText(result.text.replace('{', '{"resultType":"complete",'));
    return { resultType: 'complete', ...world.hints[method], ...result, _meta: { ...result._meta, [metaKey.serverInfo]: world.info } };
  }
}

const knowsTasks = (meta) => isObject(meta[metaKey.clientCapabilities].extensions?.[tasksExtension]);

function refuseWithoutTasks() {
  const data = { requiredCapabilities: { extensions: { [tasksExtension]: {} } } };
  throw new RpcError(code.missingCapability, `The client does not support the extension "${tasksExtension}"`, data);
}

function readMeta(params) {
  const meta = params?._meta;
  if (!isObject(meta)) throw new RpcError(code.invalidParams, 'The parameter "_meta" is missing');
  const version = meta[metaKey.protocolVersion];
  if (version !== modernRevision) {
    throw new RpcError(code.unsupportedVersion, `Unsupported protocol version "${version}"`, {
      supported: [modernRevision],
      requested: version,
    });
  }
  const level = meta[metaKey.logLevel];
  if (level !== undefined && !levels.includes(level)) throw new RpcError(code.invalidParams, `Unknown log level "${level}"`);
  if (!isObject(meta[metaKey.clientCapabilities])) throw new RpcError(code.invalidParams, `"${metaKey.clientCapabilities}" is missing`);
  return meta;
}
