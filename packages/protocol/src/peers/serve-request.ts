import {
  GatewayError,
  LOCAL_PRINCIPAL,
  LOG_LEVELS,
  toGatewayError,
  type Answer,
  type Awaitable,
  type Cancellation,
  type ClientProfile,
  type Notification,
  type Params,
  type RawJson,
  type Request,
} from '@signalbox/core';
import { encodeNotification, withParams } from '../messages/encode.ts';
import { readMember, withMember, withoutMember } from '../messages/members.ts';
import type { RequestMessage } from '../messages/message.ts';
import { prependMembers, toRevision } from '../revisions/convert.ts';
import { MODERN_REVISION, isHandshake } from '../revisions/revisions.ts';
import type { PeerContext } from './peer-context.ts';
import { ReplySink } from './reply-sink.ts';
import type { Reply } from './reply.ts';

// Above this size naming ourselves in the result would cost a copy that is worth more than the name; what flows is never named.
const MAX_SIGNED_BYTES = 65_536;

/** Who asks, and what ends the asking. */
export interface Serving {
  readonly client: ClientProfile;
  readonly principal?: string;
  readonly cancellation: Cancellation;
  readonly reply: Reply;
  readonly mirrored?: Request['mirrored'];
  /** Called before the reply ends, unless the request was cancelled. */
  readonly done?: () => void;
}

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

function toRequest(message: RequestMessage, { client, principal = LOCAL_PRINCIPAL, cancellation, reply, mirrored }: Serving): Request {
  const token = readProgressToken(message.params);
  return {
    method: message.method,
    params: token === undefined ? message.params : withoutProgressToken(message.params),
    client,
    principal,
    cancellation,
    emit: reply.takesNotifications ? (notification) => sendAhead(notification, client, token, reply) : undefined,
    wantsProgress: token !== undefined && reply.takesNotifications,
    mirrored,
    sink: reply.begin === undefined ? undefined : new ReplySink(reply, { revision: client.revision, method: message.method }),
  };
}

function settle(context: PeerContext, message: RequestMessage, serving: Serving, answer: Answer): void {
  if (serving.cancellation.isCancelled) return;
  let shaped = answer;
  try {
    if (shaped.kind !== 'delivered') shaped = toRevision(shaped, serving.client.revision, message.method);
    if (serving.client.revision === MODERN_REVISION) shaped = withServerInfo(shaped, context);
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
    context.logger.error('request failed', { method: message.method, error: error.message, stack: error.stack });
  serving.done?.();
  if (error.code !== 'RESOURCE_NOT_FOUND' || serving.client === undefined || !isHandshake(serving.client.revision))
    return serving.reply.refuse(error);
  serving.reply.answer(toRevision({ kind: 'error', error: error.toRpc() }, serving.client.revision, 'resources/read'));
}

function withServerInfo(outcome: Answer, context: PeerContext): Answer {
  if (outcome.kind !== 'result') return outcome;
  const { bytes } = outcome.result;
  if (bytes.length > MAX_SIGNED_BYTES || bytes.includes('"_meta"')) return outcome;
  return { ...outcome, result: prependMembers(outcome.result, context.serverInfoMember) };
}

function sendAhead(notification: Notification, client: ClientProfile, token: RawJson | undefined, reply: Reply): void {
  const { method, params } = notification;
  if (method === 'notifications/progress') {
    if (token !== undefined) reply.notify(encodeNotification(method, withMember(params, 'progressToken', token)));
  } else if (method !== 'notifications/message' || wantsLog(client, params)) reply.notify(encodeNotification(method, params));
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
