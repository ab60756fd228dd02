import { metaKey } from '../../wire/protocol.mjs';
import { onNotification, onResultOf, without } from './changes.mjs';

const fault = (group, name, what) => ({ group, name, ...what });
const both = [onNotification('notifications/progress', () => undefined), onNotification('notifications/message', () => undefined)];
const isProgress = ({ method }) => method === 'notifications/progress';
const isLog = ({ method }) => method === 'notifications/message';
const isUpdate = ({ method }) => method === 'notifications/resources/updated';
const isListChange = ({ method }) => method?.endsWith('list_changed');
const canBeAsked = (asked) => Object.keys(asked?.params?._meta?.[metaKey.clientCapabilities] ?? {}).length > 0;
const isAnswer = ({ method, id }) => method === undefined && id !== undefined;
const refuse = (id, code) => [{ jsonrpc: '2.0', id, error: { code, message: 'Refused' } }];

/** What may go wrong with notifications, cancellation, tasks, and between callers. */
export const trafficFaults = [
  fault('progress', 'drops progress', both[0]),
  fault(
    'progress',
    'drops unknown members of progress',
    onNotification('notifications/progress', (message) => ({ ...message, params: without(message.params, 'kit.test/unknown', '_meta') })),
  ),
  fault(
    'progress',
    'drops the words of progress',
    onNotification('notifications/progress', (message) => ({ ...message, params: without(message.params, 'message') })),
  ),
  fault(
    'progress',
    'rounds progress',
    onNotification('notifications/progress', (message) => ({
      ...message,
      params: { ...message.params, progress: Math.round(Number(message.params.progress)) },
    })),
  ),
  fault(
    'progress',
    'writes tokens as text',
    onNotification('notifications/progress', (message) => ({
      ...message,
      params: { ...message.params, progressToken: String(message.params.progressToken) },
    })),
  ),
  fault('progress', 'keeps the last progress only', { message: keepLastProgress }),
  fault('progress', 'tells progress in another order', { message: swapProgress }),
  fault('progress', 'tells progress after the answer', { message: holdProgress, last: ({ held = [] }) => held }),
  fault('progress', 'holds progress until the answer', {
    message: (message, passage) => (isProgress(message) ? (hold(passage, message), []) : [...(passage.held ?? []).splice(0), message]),
  }),
  fault('logging', 'drops logs', both[1]),
  fault(
    'logging',
    'drops the logger',
    onNotification('notifications/message', (message) => ({ ...message, params: without(message.params, 'logger') })),
  ),
  fault(
    'logging',
    'invents a logger',
    onNotification('notifications/message', (message) => ({ ...message, params: { logger: 'gateway', ...message.params } })),
  ),
  fault(
    'logging',
    'makes data of logs text',
    onNotification('notifications/message', (message) => ({
      ...message,
      params: { ...message.params, data: String(message.params.data) },
    })),
  ),
  fault(
    'logging',
    'drops unknown members of logs',
    onNotification('notifications/message', (message) => ({ ...message, params: without(message.params, 'kit.test/unknown') })),
  ),
  fault(
    'logging',
    'drops debug',
    onNotification('notifications/message', (message) => (message.params.level === 'debug' ? undefined : message)),
  ),
  fault('logging', 'lets any level pass', {
    client: 'handshake',
    request: (message) => (message.params?.level === 'loud' ? { ...message, params: { level: 'debug' } } : message),
  }),
  fault('logging', 'keeps the first level', { client: 'handshake', request: keepFirstLevel }),
  fault('changes', 'drops changes of lists', { message: (message) => (isListChange(message) ? [] : [message]) }),
  fault(
    'changes',
    'drops changes of prompts',
    onNotification('notifications/prompts/list_changed', () => undefined),
  ),
  fault('changes', 'tells changes twice', { message: (message) => (isListChange(message) ? [message, message] : [message]) }),
  fault('changes', 'keeps lists in memory', { message: keepLists }),
  fault('changes', 'tells clients that can be asked of no change', {
    client: 'modern',
    message: (message, { asked }) => (isListChange(message) && canBeAsked(asked) ? [] : [message]),
  }),
  fault('changes', 'drops the id of the subscription', {
    client: 'modern',
    message: (message) => [isListChange(message) ? { ...message, params: without(message.params, '_meta') } : message],
  }),
  fault(
    'subscriptions',
    'drops changes of resources',
    onNotification('notifications/resources/updated', () => undefined),
  ),
  fault(
    'subscriptions',
    'rebuilds changes of resources',
    onNotification('notifications/resources/updated', (message) => ({
      ...message,
      params: { uri: message.params.uri, _meta: without(message.params._meta, 'kit.test/vendor') },
    })),
  ),
  fault('subscriptions', 'tells clients that can be asked of no changed resource', {
    client: 'modern',
    message: (message, { asked }) => (isUpdate(message) && canBeAsked(asked) ? [] : [message]),
  }),
  fault('subscriptions', 'tells changes of resources twice', {
    message: (message) => (isUpdate(message) ? [message, message] : [message]),
  }),
  fault('subscriptions', 'never unsubscribes', {
    client: 'handshake',
    request: (message) => (message.method === 'resources/unsubscribe' ? { ...message, method: 'ping' } : message),
  }),
  fault('subscriptions', 'acknowledges nothing', {
    client: 'modern',
    ...onNotification('notifications/subscriptions/acknowledged', () => undefined),
  }),
  fault('subscriptions', 'acknowledges under an id of its own', {
    client: 'modern',
    message: (message) => [
      message.params?._meta?.['io.modelcontextprotocol/subscriptionId'] === undefined
        ? message
        : {
            ...message,
            params: { ...message.params, _meta: { ...message.params._meta, 'io.modelcontextprotocol/subscriptionId': 'mine' } },
          },
    ],
  }),
  fault('cancellation', 'swallows cancellation', {
    client: 'handshake',
    request: (message) => (message.method === 'notifications/cancelled' ? null : message),
  }),
  fault('cancellation', 'is deaf to the closing of streams', { client: 'modern', isDeafToClosing: true }),
  fault('cancellation', 'cancels the id in another type', {
    client: 'handshake',
    request: (message) =>
      message.method === 'notifications/cancelled' ? { ...message, params: { ...message.params, requestId: 500 } } : message,
  }),
  fault('cancellation', 'cancels everything', { client: 'handshake', request: cancelAll }),
  fault('cancellation', 'cancels what lost its connection', {
    client: 'handshake',
    isDeafToClosing: true,
    closed: ({ asked, forward }) => cancel(asked, forward),
  }),
  fault('tasks', 'refuses tasks', {
    message: (message, { asked }) => (asked?.method?.startsWith('tasks/') ? refuse(message.id, -32601) : [message]),
  }),
  fault('tasks', 'does not announce tasks', {
    message: (message) => [
      message.result?.capabilities
        ? { ...message, result: { ...message.result, capabilities: without(message.result.capabilities, 'tasks', 'extensions') } }
        : message,
    ],
  }),
  fault(
    'tasks',
    'drops unknown members of tasks',
    onResultOf('tasks/get', (result) => without(result, 'kit.test/unknown')),
  ),
  fault('tasks', 'drops what a task asks', { client: 'modern', ...onResultOf('tasks/get', (result) => without(result, 'inputRequests')) }),
  fault('tasks', 'drops the task a result belongs to', {
    client: 'handshake',
    ...onResultOf('tasks/result', (result) => without(result, '_meta')),
  }),
  fault('tasks', 'drops states of tasks', { message: (message) => (message.method?.startsWith('notifications/tasks') ? [] : [message]) }),
  fault('tasks', 'makes every task a call', {
    client: 'handshake',
    request: (message) => (message.params?.task ? { ...message, params: without(message.params, 'task') } : message),
  }),
  fault('vendor', 'refuses methods of vendors', {
    message: (message, { asked }) => (asked?.method?.startsWith('kit.test') ? refuse(message.id, -32601) : [message]),
  }),
  fault(
    'vendor',
    'drops notifications of vendors',
    onNotification('notifications/kit.test/happened', () => undefined),
  ),
  fault('vendor', 'swallows notifications of vendors', {
    request: (message) => (message.method?.startsWith('notifications/kit') ? null : message),
  }),
  fault('isolation', 'finds callers by their tokens alone', { message: sendByToken }),
  fault('isolation', 'tells logs to everybody', { message: tellEverybody(isLog) }),
  fault('isolation', 'tells changes of resources to everybody', { client: 'handshake', message: tellEverybody(isUpdate) }),
  fault('isolation', 'puts all clients in one session', { client: 'handshake', request: shareSession }),
  fault('many', 'finds callers by their ids alone', { message: swapAnswers }),
  fault('many', 'finds progress by its token alone', { message: sendByToken }),
  fault('hung', 'does one thing at a time', { isSequential: true }),
  fault('restart', 'believes that the server has gone for good', {
    client: 'modern',
    request: refuseAfterRestart,
    message: (message, { memory }) => (memory.get('gone') && isAnswer(message) ? refuse(message.id, -32603) : [message]),
  }),
];

function hold(passage, message) {
  passage.held ??= [];
  passage.held.push(message);
}

function holdProgress(message, passage) {
  if (!isProgress(message)) return [message];
  hold(passage, message);
  return [];
}

function keepLastProgress(message, passage) {
  if (isProgress(message)) {
    passage.held = [message];
    return [];
  }
  return [...(passage.held ?? []).splice(0), message];
}

function swapProgress(message, passage) {
  if (!isProgress(message)) return [...(passage.held ?? []).splice(0), message];
  if (passage.held?.length > 0) return [message, ...passage.held.splice(0)];
  hold(passage, message);
  return [];
}

function keepFirstLevel(message, { memory, headers }) {
  if (message.method !== 'logging/setLevel' || message.params.level === 'loud') return message;
  const session = headers['mcp-session-id'];
  if (!memory.has(session)) memory.set(session, message.params.level);
  return { ...message, params: { level: memory.get(session) } };
}

function keepLists(message, { asked, memory }) {
  if (!asked?.method?.endsWith('/list') || message.result === undefined) return [message];
  const key = JSON.stringify([asked.method, asked.params?.cursor]);
  if (!memory.has(key)) memory.set(key, message.result);
  return [{ ...message, result: memory.get(key) }];
}

function cancelAll(message, { open, forward }) {
  if (message.method !== 'notifications/cancelled') return message;
  for (const { asked } of open) cancel(asked, forward);
  return message;
}

function cancel(asked, forward) {
  if (asked?.method !== 'tools/call') return;
  forward({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: asked.id } }).catch(() => undefined);
}

// Whoever used a token last gets all that is told under it.
function sendByToken(message, { asked, open }) {
  if (!isProgress(message)) return [message];
  const same = [...open].filter((other) => other.asked?.params?._meta?.progressToken === message.params.progressToken);
  const last = same.at(-1);
  if (last === undefined || last.asked === asked) return [message];
  last.send(message);
  return [];
}

function tellEverybody(isMeant) {
  return (message, passage) => {
    if (isMeant(message)) for (const other of passage.open) if (other !== passage) other.send(message);
    return [message];
  };
}

// Answers are kept under their ids, as in a table that all connections share.
function swapAnswers(message, { asked, memory }) {
  if (!isAnswer(message) || asked?.method !== 'tools/call') return [message];
  const key = String(message.id);
  const last = memory.get(key);
  memory.set(key, message.result);
  return [{ ...message, result: last ?? message.result }];
}

function shareSession(message, { headers, memory }) {
  const own = headers['mcp-session-id'];
  if (own === undefined) return message;
  if (!memory.has('session')) memory.set('session', own);
  headers['mcp-session-id'] = memory.get('session');
  return message;
}

function refuseAfterRestart(message, { memory }) {
  if (message.params?.name?.endsWith('_restart')) setTimeout(() => memory.set('gone', true), 10);
  return message;
}
