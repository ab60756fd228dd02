import {
  GatewayError,
  LOG_LEVELS,
  RawJson,
  isObject,
  toGatewayError,
  type ClientProfile,
  type Implementation,
  type LogLevel,
  type Notification,
  type Outcome,
} from '@signalbox/core';
import type { NotificationMessage, RequestMessage } from '../messages/message.ts';
import { readMember } from '../messages/members.ts';
import { negotiateHandshake } from '../revisions/revisions.ts';
import type { PeerContext } from './peer-context.ts';
import { PendingRequests } from './pending-requests.ts';
import type { Reply } from './reply.ts';
import { refuseRequest, serveRequest, wantsLog, type Serving } from './serve-request.ts';

const MAX_SUBSCRIPTIONS = 1024;
// What a client says of itself stays as long as its session, so it must be small.
const MAX_PROFILE_BYTES = 65_536;
const MODERN_METHODS = new Set(['server/discover', 'subscriptions/listen']);
const EMPTY_RESULT = RawJson.fromValue({});

/** One client's conversation in a handshake revision, from `initialize` to its end, whatever the transport. */
export class ServerSession {
  readonly #context: PeerContext;
  readonly #pending: PendingRequests;
  #client: ClientProfile;
  #subscriptions: Map<string, () => void> | undefined;

  /**
   * Opens a session from an `initialize` request. The caller sends `welcome` as its answer.
   * @param options.pending Requests in flight, where the transport counts them for several generations at once.
   * @throws GatewayError `INVALID_PARAMS`
   */
  constructor(context: PeerContext, initialize: RequestMessage, options: { readonly pending?: PendingRequests } = {}) {
    this.#context = context;
    this.#pending = options.pending ?? new PendingRequests();
    this.#client = readClient(initialize);
  }

  get revision(): string {
    return this.#client.revision;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  /** The answer to `initialize`. */
  get welcome(): Outcome {
    const { info, capabilities, instructions } = this.#context.handler.describe();
    return this.#own(RawJson.fromValue({ protocolVersion: this.revision, capabilities, serverInfo: info, instructions }));
  }

  /** Serves any request but `initialize`. Failures become answers. */
  request(message: RequestMessage, reply: Reply): void {
    if (message.method === 'ping') return reply.answer(this.#own(EMPTY_RESULT));
    let serving: Serving;
    try {
      serving = { client: this.#client, reply, ...this.#pending.begin(message.id, reply) };
    } catch (error) {
      return reply.refuse(toGatewayError(error));
    }
    try {
      if (!this.#serveOwn(message)) return serveRequest(this.#context, message, serving);
    } catch (error) {
      return refuseRequest(this.#context, message, serving, error);
    }
    serving.done?.();
    reply.answer(this.#own(EMPTY_RESULT));
  }

  notify(message: NotificationMessage): void {
    if (message.method === 'notifications/cancelled') {
      const id = message.params && readMember(message.params, 'requestId');
      if (id !== undefined) this.#pending.cancel(id, reasonOf(message));
    } else if (message.method !== 'notifications/initialized') this.#context.notify(message);
  }

  /** Tells whether a notification that belongs to no request is for this session. */
  wants(notification: Notification): boolean {
    if (notification.method === 'notifications/message') return wantsLog(this.#client, notification.params);
    if (notification.method !== 'notifications/resources/updated') return true;
    const uri: unknown = notification.params?.object?.['uri'];
    return typeof uri === 'string' && this.#subscriptions?.has(uri) === true;
  }

  /** Cancels what is in flight and releases all subscriptions. Idempotent. */
  close(reason: string): void {
    this.#pending.cancelAll(reason);
    const releases = this.#subscriptions;
    this.#subscriptions = undefined;
    if (releases) for (const release of releases.values()) release();
  }

  // Tells whether the request is one that a session settles itself, after settling it.
  #serveOwn(message: RequestMessage): boolean {
    switch (message.method) {
      case 'logging/setLevel':
        this.#client = { ...this.#client, logLevel: readLogLevel(message.params.get('level')?.value) };
        return true;
      case 'resources/subscribe':
        this.#subscribe(readUri(message));
        return true;
      case 'resources/unsubscribe': {
        const uri = readUri(message);
        this.#subscriptions?.get(uri)?.();
        this.#subscriptions?.delete(uri);
        return true;
      }
      case 'initialize':
        throw new GatewayError('INVALID_REQUEST', 'Cannot initialize a session that is open already');
      default:
        if (!MODERN_METHODS.has(message.method)) return false;
        throw new GatewayError('METHOD_NOT_FOUND', `Cannot find the method "${message.method}" in revision ${this.revision}`);
    }
  }

  #subscribe(uri: string): void {
    const subscriptions = (this.#subscriptions ??= new Map());
    if (subscriptions.has(uri)) return;
    if (subscriptions.size >= MAX_SUBSCRIPTIONS) {
      throw new GatewayError('OVERLOADED', `Cannot subscribe to more than ${MAX_SUBSCRIPTIONS} resources in one session`);
    }
    subscriptions.set(uri, this.#context.handler.subscribe(uri));
  }

  #own(result: RawJson): Outcome {
    return { kind: 'result', result, resultType: 'complete', isError: false, revision: this.revision };
  }
}

/** Reads a log level. @throws GatewayError `INVALID_PARAMS` */
export function readLogLevel(value: unknown): LogLevel {
  const level = LOG_LEVELS.find((known) => known === value);
  if (level === undefined)
    throw new GatewayError(
      'INVALID_PARAMS',
      `Cannot accept the log level ${JSON.stringify(value)}: it must be one of ${LOG_LEVELS.join(', ')}`,
    );
  return level;
}

/** Reads what a client says its name is; `undefined` unless it has both a name and a version. */
export function readImplementation(value: unknown): Implementation | undefined {
  if (!isObject(value)) return undefined;
  const { name, version } = value;
  return typeof name === 'string' && typeof version === 'string' ? { ...value, name, version } : undefined;
}

/** The client's reason for a cancellation, in words. */
export function reasonOf(message: NotificationMessage): string {
  const reason: unknown = message.params?.object?.['reason'];
  return typeof reason === 'string' && reason !== ''
    ? `The client cancelled the request: ${reason.slice(0, 200)}`
    : 'The client cancelled the request';
}

function readClient({ params }: RequestMessage): ClientProfile {
  const requested: unknown = params.get('protocolVersion')?.value;
  if (typeof requested !== 'string') throw new GatewayError('INVALID_PARAMS', 'Cannot initialize without a "protocolVersion"');
  const info = params.get('clientInfo');
  const capabilities = params.get('capabilities');
  if ((info?.bytes.length ?? 0) + (capabilities?.bytes.length ?? 0) > MAX_PROFILE_BYTES) {
    throw new GatewayError('INVALID_PARAMS', `Cannot accept "clientInfo" and "capabilities" of more than ${MAX_PROFILE_BYTES} bytes`);
  }
  return {
    revision: negotiateHandshake(requested),
    info: readImplementation(info?.value),
    capabilities: capabilities?.object ?? {},
    logLevel: 'debug',
  };
}

function readUri(message: RequestMessage): string {
  const uri: unknown = message.params.get('uri')?.value;
  if (typeof uri !== 'string') throw new GatewayError('INVALID_PARAMS', `Cannot serve "${message.method}" without a "uri"`);
  return uri;
}
