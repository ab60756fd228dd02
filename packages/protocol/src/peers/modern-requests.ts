import {
  GatewayError,
  LOCAL_PRINCIPAL,
  RawJson,
  isObject,
  type ClientProfile,
  type Notification,
  type Outcome,
  type Params,
} from '@signalbox/core';
import { withParams } from '../messages/encode.ts';
import { readMember } from '../messages/members.ts';
import type { NotificationMessage, RequestMessage } from '../messages/message.ts';
import { HANDSHAKE_REVISIONS, META, MODERN_REVISION, REVISIONS } from '../revisions/revisions.ts';
import { canBeAsked } from './capabilities.ts';
import type { PeerContext } from './peer-context.ts';
import { readImplementation, readLogLevel } from './server-session.ts';
import { refuseRequest, serveRequest } from './serve-request.ts';
import type { Serving } from './serving.ts';
import { Subscriptions } from './subscriptions.ts';

/** Methods that the modern revision removed. They must not reach an upstream, which might take them at their word. */
const HANDSHAKE_METHODS = new Set(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);

/** Serves requests of the modern revision: each is complete in itself, none needs a session. */
export class ModernRequests {
  readonly #context: PeerContext;
  readonly #subscriptions: Subscriptions;

  /** @param options.maxSubscriptions Most `subscriptions/listen` requests open at once. */
  constructor(context: PeerContext, options: { readonly maxSubscriptions: number }) {
    this.#context = context;
    this.#subscriptions = new Subscriptions(context, { max: options.maxSubscriptions });
  }

  /** Open `subscriptions/listen` requests. */
  get openSubscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Serves one request. Failures become answers. `done` is called before its reply ends, unless it was cancelled. */
  request(message: RequestMessage, serving: Omit<Serving, 'client'>): void {
    try {
      const client = readClient(message.params);
      if (HANDSHAKE_METHODS.has(message.method)) {
        throw new GatewayError('METHOD_NOT_FOUND', `Cannot find the method "${message.method}" in revision ${MODERN_REVISION}`);
      }
      if (message.method === 'subscriptions/listen') return this.#subscriptions.open(message, { client, ...serving });
      if (message.method !== 'server/discover') return this.#serve(message, { client, ...serving });
      const answer = this.#describe();
      serving.done?.();
      serving.reply.answer(answer);
    } catch (error) {
      refuseRequest(this.#context, message, serving, error);
    }
  }

  /** Passes a notification on to the subscriptions that asked for it. */
  offer(notification: Notification): void {
    this.#subscriptions.offer(notification);
  }

  /** Ends all subscriptions in good order. */
  close(): void {
    this.#subscriptions.close();
  }

  /** Gives up the calls that wait for their clients. */
  endHeld(reason: string): void {
    this.#context.held.close(reason);
  }

  #serve(message: RequestMessage, serving: Serving): void {
    const { held, states } = this.#context;
    let request = message;
    if (message.params.has('requestState')) {
      const state = states.open(message, serving.principal ?? LOCAL_PRINCIPAL);
      if (state.kind === 'held') return held.resume(state, message, serving);
      const changes =
        state.kind === 'upstream'
          ? { requestState: RawJson.fromValue(state.state) }
          : { requestState: undefined, inputResponses: undefined };
      request = { ...message, params: withParams(message.params, changes) };
    }
    serveRequest(this.#context, request, canBeAsked(serving.client.capabilities) ? held.begin(message, serving) : serving);
  }

  #describe(): Outcome {
    const { info, capabilities, instructions } = this.#context.handler.describe();
    const result = RawJson.fromValue({
      resultType: 'complete',
      supportedVersions: REVISIONS,
      capabilities,
      instructions,
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { [META.serverInfo]: info },
    });
    return { kind: 'result', result, resultType: 'complete', isError: false, revision: MODERN_REVISION };
  }
}

/** The revision that a message says it is written in, if it says so in the modern way. */
export function claimedRevision(meta: Readonly<Record<string, unknown>> | undefined): unknown {
  return meta?.[META.protocolVersion];
}

/** Tells whether a claim makes a message a modern one. Clients of the handshake revisions have been seen to claim theirs, too. */
export function isModernClaim(claim: unknown): boolean {
  return claim !== undefined && !HANDSHAKE_REVISIONS.some((revision) => revision === claim);
}

/** Refuses a revision we do not speak. @throws GatewayError `UNSUPPORTED_REVISION` */
export function refuseRevision(requested: string): never {
  throw new GatewayError('UNSUPPORTED_REVISION', `Cannot speak revision "${requested.slice(0, 40)}"`, {
    data: { supported: REVISIONS, requested: requested.slice(0, 200) },
  });
}

/**
 * Checks the part of `_meta` that names the revision. @throws GatewayError `INVALID_PARAMS` when it is missing.
 * @returns the claimed revision, known or not.
 */
export function readClaim(params: Params): string {
  const meta = params.get('_meta')?.object;
  if (meta === undefined) throw new GatewayError('INVALID_PARAMS', 'Cannot accept a request without "_meta"');
  const claim = claimedRevision(meta);
  if (typeof claim !== 'string')
    throw new GatewayError('INVALID_PARAMS', `Cannot accept a request whose "_meta" lacks "${META.protocolVersion}"`);
  return claim;
}

/** Who speaks in a notification, which may say it and need not. */
export function readSpeaker(message: NotificationMessage): ClientProfile {
  const meta = message.params && readMember(message.params, '_meta')?.object;
  const capabilities = meta?.[META.clientCapabilities];
  return {
    revision: MODERN_REVISION,
    info: readImplementation(meta?.[META.clientInfo]),
    capabilities: isObject(capabilities) ? capabilities : {},
    logLevel: 'off',
  };
}

function readClient(params: Params): ClientProfile {
  const revision = readClaim(params);
  if (revision !== MODERN_REVISION) refuseRevision(revision);
  const meta = params.get('_meta')!.object!;
  const capabilities = meta[META.clientCapabilities];
  if (!isObject(capabilities))
    throw new GatewayError('INVALID_PARAMS', `Cannot accept a request whose "_meta" lacks "${META.clientCapabilities}"`);
  const level = meta[META.logLevel];
  return {
    revision,
    info: readImplementation(meta[META.clientInfo]),
    capabilities,
    logLevel: level === undefined ? 'off' : readLogLevel(level),
  };
}
