import {
  GatewayError,
  LOCAL_PRINCIPAL,
  LOG_LEVELS,
  RawJson,
  isObject,
  toGatewayError,
  type Answer,
  type Awaitable,
  type ClientProfile,
  type Notification,
  type Outcome,
  type Params,
  type Request,
  type ResultOutcome,
} from '@signalbox/core';
import { encodeNotification, withParams } from '../messages/encode.ts';
import { readMember, withMember, withoutMember } from '../messages/members.ts';
import type { RequestMessage } from '../messages/message.ts';
import { prependMembers, toRevision } from '../revisions/convert.ts';
import { MODERN_REVISION, isHandshake } from '../revisions/revisions.ts';
import { readCreatedTask } from '../tasks/task-ids.ts';
import { clientTaskForm } from '../tasks/task-support.ts';
import type { PeerContext } from './peer-context.ts';
import { ReplySink } from './reply-sink.ts';
import type { Serving } from './serving.ts';

/** Error code of the handshake revisions: the user must open an address before the call can be made. */
const URL_ELICITATION_REQUIRED = -32042;

// Above this size naming ourselves in the result would cost a copy that is worth more than the name; what flows is never named.
const MAX_SIGNED_BYTES = 65_536;

// The progress of a task goes on under the token of the call that began it, after that call has been answered.
const tasks = new WeakSet<Serving>();

/** Has the handler answer one request, with its progress and log messages sent ahead of the answer. */
export function serveRequest(context: PeerContext, message: RequestMessage, serving: Serving): void {
  let outcome: Awaitable<Answer>;
  try {
    outcome = context.handler.request(toRequest(message, serving));
  } catch (error) {
    return refuseRequest(context, message, serving, error);
  }
  if (outcome instanceof Promise) {
    outcome.then(
      (settled) => settle(context, message, serving, settled),
      (error: unknown) => refuseRequest(context, message, serving, error),
    );
  } else settle(context, message, serving, outcome);
}

function toRequest(message: RequestMessage, serving: Serving): Request {
  const { client, principal = LOCAL_PRINCIPAL, session, ask, cancellation, reply, mirrored } = serving;
  const token = readProgressToken(message.params);
  return {
    method: message.method,
    params: token === undefined ? message.params : withoutProgressToken(message.params),
    client,
    principal,
    session,
    ask,
    cancellation,
    emit: reply.takesNotifications
      ? (notification) => sendAhead(notification, serving, serving.progressToken === undefined ? token : serving.progressToken())
      : undefined,
    wantsProgress: token !== undefined && reply.takesNotifications,
    mirrored,
    sink: reply.begin === undefined ? undefined : new ReplySink(reply, { revision: client.revision, method: message.method }),
  };
}

function settle(context: PeerContext, message: RequestMessage, serving: Serving, answer: Answer): void {
  if (serving.cancellation.isCancelled) return;
  let shaped = answer;
  try {
    if (shaped.kind !== 'delivered') {
      refuseUnaskedTask(shaped, serving.client);
      shaped = toRevision(shaped, serving.client.revision, message.method);
      if (message.params.has('task') && readCreatedTask(shaped) !== undefined) tasks.add(serving);
      if (serving.client.revision === MODERN_REVISION) shaped = withServerInfo(toRound(shaped, context, message, serving), context);
    }
    // A value that cannot be written must fail here, where it can still become an answer.
    if (shaped.kind === 'result') void shaped.result.byteLength;
  } catch (error) {
    return refuseRequest(context, message, serving, error);
  }
  serving.done?.();
  serving.reply.answer(shaped);
}

/** Ends a request with whatever was thrown on its behalf. Without a client it is answered in the terms of the modern revision. */
export function refuseRequest(
  context: PeerContext,
  message: RequestMessage,
  serving: Omit<Serving, 'client'> & { readonly client?: ClientProfile },
  thrown: unknown,
): void {
  if (serving.cancellation.isCancelled) return;
  const error = toGatewayError(thrown);
  if (error.code === 'INTERNAL')
    context.logger.error('request failed', {
      callId: error.data?.['callId'],
      method: message.method,
      error: error.message,
      stack: error.stack,
    });
  serving.done?.();
  if (error.code !== 'RESOURCE_NOT_FOUND' || serving.client === undefined || !isHandshake(serving.client.revision))
    return serving.reply.refuse(error);
  serving.reply.answer(toRevision({ kind: 'error', error: error.toRpc() }, serving.client.revision, 'resources/read'));
}

// What ends a round of a call of a modern client carries a state of ours, so that only the same request of the same caller goes on.
function toRound(
  outcome: Outcome,
  context: PeerContext,
  message: RequestMessage,
  { client, principal = LOCAL_PRINCIPAL }: Serving,
): Outcome {
  if (outcome.kind === 'error') {
    const round = outcome.error.code === URL_ELICITATION_REQUIRED ? askToVisit(outcome.error.data, client) : undefined;
    if (round === undefined) return outcome;
    return { ...round, result: withMember(round.result, 'requestState', context.states.seal({ kind: 'again' }, message, principal)) };
  }
  if (outcome.resultType !== 'input_required') return outcome;
  const state: unknown = outcome.result.object?.['requestState'];
  if (typeof state !== 'string') return outcome;
  const sealed = context.states.seal({ kind: 'upstream', state }, message, principal);
  return { ...outcome, result: withMember(outcome.result, 'requestState', sealed), modernMembers: undefined };
}

// A handshake server refuses a call until its user has been somewhere; the modern revision asks for that within the call.
function askToVisit(data: unknown, client: ClientProfile): ResultOutcome | undefined {
  const elicitations = isObject(data) ? data['elicitations'] : undefined;
  const elicitation = client.capabilities['elicitation'];
  if (!Array.isArray(elicitations) || elicitations.length === 0 || !isObject(elicitation) || elicitation['url'] === undefined)
    return undefined;
  const requests = elicitations.map((params: unknown, index) => [`visit${index + 1}`, { method: 'elicitation/create', params }]);
  const result = RawJson.fromValue({ resultType: 'input_required', inputRequests: Object.fromEntries(requests) });
  return { kind: 'result', result, resultType: 'input_required', isError: false, revision: MODERN_REVISION };
}

// A server that answers with a task although it may not would leave the client with something it cannot read.
function refuseUnaskedTask(outcome: Outcome, client: ClientProfile): void {
  if (outcome.kind === 'error' || outcome.resultType !== 'task' || clientTaskForm(client) === 'extension') return;
  throw new GatewayError('UPSTREAM_PROTOCOL', 'Cannot pass on a task to a client that did not declare that it takes tasks');
}

function withServerInfo(outcome: Outcome, context: PeerContext): Outcome {
  if (outcome.kind === 'error') return outcome;
  const { byteLength, parts } = outcome.result;
  if (byteLength > MAX_SIGNED_BYTES || parts.some((part) => part.includes('"_meta"'))) return outcome;
  return { ...outcome, result: prependMembers(outcome.result, context.serverInfoMember) };
}

function sendAhead(notification: Notification, serving: Serving, token: RawJson | undefined): void {
  const { method, params } = notification;
  const { client, reply, session } = serving;
  if (method === 'notifications/progress') {
    if (token === undefined) return;
    const progress = withMember(params, 'progressToken', token);
    if (!reply.notify(encodeNotification(method, progress)) && tasks.has(serving)) session?.notify({ method, params: progress });
  } else if (method !== 'notifications/message') reply.notify(encodeNotification(method, withOwnToken(params, token)));
  else if (wantsLog(client, params)) reply.notify(encodeNotification(method, params));
}

// What goes beyond the specification may name the call by its token, too.
function withOwnToken(params: RawJson | undefined, token: RawJson | undefined): RawJson | undefined {
  if (params === undefined || token === undefined || readMember(params, 'progressToken') === undefined) return params;
  return withMember(params, 'progressToken', token);
}

/** Tells whether a log message is severe enough for what the client asked to see. */
export function wantsLog(client: ClientProfile, params: RawJson | undefined): boolean {
  if (client.logLevel === 'off') return false;
  const level: unknown = params?.object?.['level'];
  return LOG_LEVELS.findIndex((known) => known === level) >= LOG_LEVELS.indexOf(client.logLevel);
}

// The token is the client's name for this request: it is echoed in its exact bytes and never reaches an upstream.
function readProgressToken(params: Params): RawJson | undefined {
  const meta = params.get('_meta');
  const value: unknown = meta?.object?.['progressToken'];
  if (meta === undefined || value === undefined || value === null) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new GatewayError('INVALID_PARAMS', 'Cannot accept a "progressToken" that is neither text nor a number');
  }
  return readMember(meta, 'progressToken');
}

function withoutProgressToken(params: Params): Params {
  return withParams(params, { _meta: withoutMember(params.get('_meta')!, 'progressToken') });
}
