import {
  GatewayError,
  LOCAL_PRINCIPAL,
  LOG_LEVELS,
  RawJson,
  isObject,
  toGatewayError,
  type CallerSession,
  type ClientProfile,
  type Implementation,
  type LogLevel,
  type Notification,
  type Outcome,
  type Question,
} from '@signalbox/core';
import { encodeNotification, withParams } from '../messages/encode.ts';
import type { NotificationMessage, RequestMessage, ResponseMessage } from '../messages/message.ts';
import { readMember } from '../messages/members.ts';
import { negotiateHandshake } from '../revisions/revisions.ts';
import { canBeAsked, requireAskable } from './capabilities.ts';
import { toHandshakeCapabilities } from '../tasks/task-support.ts';
import type { PeerContext } from './peer-context.ts';
import { PendingRequests } from './pending-requests.ts';
import { Questions } from './questions.ts';
import type { Reply } from './reply.ts';
import { refuseRequest, serveRequest, wantsLog } from './serve-request.ts';
import type { Serving } from './serving.ts';

const MAX_SUBSCRIPTIONS = 1024;
// What a client says of itself stays as long as its session, so it must be small.
const MAX_PROFILE_BYTES = 65_536;
const MODERN_METHODS = new Set(['server/discover', 'subscriptions/listen']);
// A client that wants to be asked outside of calls opens a stream for it; this is how long we wait until it has.
const OUTLET_MS = 30_000;
const EMPTY_RESULT = RawJson.fromValue({});

export interface ServerSessionOptions {
  /** Names the session towards the inside. */
  readonly id: string;
  readonly principal?: string;
  /** Sends what belongs to no request. Returns false while there is no way to the client. */
  readonly outlet: (message: Buffer) => boolean;
  /** Requests in flight, where the transport counts them for several generations at once. */
  readonly pending?: PendingRequests;
}

/** One client's conversation in a handshake revision, from `initialize` to its end, whatever the transport. */
export class ServerSession implements CallerSession {
  readonly id: string;
  readonly #context: PeerContext;
  readonly #options: ServerSessionOptions;
  readonly #pending: PendingRequests;
  readonly #isAskable: boolean;
  #client: ClientProfile;
  #subscriptions: Map<string, () => void> | undefined;
  #questions: Questions | undefined;
  #waitingForOutlet: Set<() => void> | undefined;
  #endListeners: Set<() => void> | undefined;
  #isClosed = false;

  /** Opens a session for a client that has introduced itself. The caller sends `welcome` as the answer to `initialize`. */
  constructor(context: PeerContext, client: ClientProfile, options: ServerSessionOptions) {
    this.id = options.id;
    this.#context = context;
    this.#options = options;
    this.#pending = options.pending ?? new PendingRequests();
    this.#client = client;
    this.#isAskable = canBeAsked(client.capabilities);
  }

  get client(): ClientProfile {
    return this.#client;
  }

  get revision(): string {
    return this.#client.revision;
  }

  get isBusy(): boolean {
    return this.#pending.size > 0 || (this.#questions?.size ?? 0) > 0;
  }

  /** The answer to `initialize`. */
  get welcome(): Outcome {
    const { info, capabilities: inner, instructions } = this.#context.handler.describe();
    const capabilities = toHandshakeCapabilities(inner, this.revision);
    return this.#own(RawJson.fromValue({ protocolVersion: this.revision, capabilities, serverInfo: info, instructions }));
  }

  /** Serves any request but `initialize`. Failures become answers. */
  request(message: RequestMessage, reply: Reply): void {
    if (message.method === 'ping') return reply.answer(this.#own(EMPTY_RESULT));
    let serving: Serving;
    try {
      serving = {
        client: this.#client,
        principal: this.#options.principal,
        session: this,
        ask: this.#isAskable ? (question) => this.#ask(question, reply) : undefined,
        reply,
        ...this.#pending.begin(message.id, reply),
      };
    } catch (error) {
      return reply.refuse(toGatewayError(error));
    }
    try {
      if (!this.#serveOwn(message)) return serveRequest(this.#context, withoutRound(message), serving);
    } catch (error) {
      return refuseRequest(this.#context, message, serving, error);
    }
    serving.done?.();
    reply.answer(this.#own(EMPTY_RESULT));
  }

  /** Takes a notification of the client. */
  receive(message: NotificationMessage): void {
    switch (message.method) {
      case 'notifications/cancelled': {
        const id = message.params && readMember(message.params, 'requestId');
        if (id !== undefined) this.#pending.cancel(id, reasonOf(message));
        return;
      }
      case 'notifications/progress':
        return void this.#questions?.progress(message);
      case 'notifications/initialized':
        return;
      default:
        this.#context.notify(message, {
          client: this.#client,
          principal: this.#options.principal ?? LOCAL_PRINCIPAL,
          session: this,
        });
    }
  }

  /** Takes the client's answer to a question of ours. One that comes too late, or that nobody asked, is passed over. */
  answer(message: ResponseMessage): void {
    this.#questions?.answer(message);
  }

  async ask(question: Question): Promise<Outcome> {
    requireAskable(this.#client.capabilities, question.method, question.params?.value);
    await this.#outletReady(question);
    return await this.#openQuestions().ask(question, (message) => void this.#options.outlet(message));
  }

  notify({ method, params }: Notification): void {
    if (method !== 'notifications/message' || wantsLog(this.#client, params)) this.#options.outlet(encodeNotification(method, params));
  }

  watchEnd(listener: () => void): () => void {
    if (this.#isClosed) {
      listener();
      return () => undefined;
    }
    const listeners = (this.#endListeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Tells that there is a way to the client for what belongs to no request. */
  outletOpened(): void {
    const waiting = this.#waitingForOutlet;
    this.#waitingForOutlet = undefined;
    if (waiting) for (const proceed of waiting) proceed();
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
    this.#isClosed = true;
    this.#pending.cancelAll(reason);
    const listeners = this.#endListeners;
    this.#endListeners = undefined;
    if (listeners) for (const listener of listeners) listener();
    const releases = this.#subscriptions;
    this.#subscriptions = undefined;
    if (releases) for (const release of releases.values()) release();
  }

  async #ask(question: Question, reply: Reply): Promise<Outcome> {
    requireAskable(this.#client.capabilities, question.method, question.params?.value);
    // A client that takes no stream on its request is asked on the session's own.
    if (!reply.takesNotifications) return await this.ask(question);
    return await this.#openQuestions().ask(question, (message) => reply.notify(message) || this.#options.outlet(message));
  }

  #openQuestions(): Questions {
    const { clock, inputMs } = this.#context;
    return (this.#questions ??= new Questions({ clock, inputMs, revision: this.revision }));
  }

  // An empty write tells whether there is a way.
  #outletReady({ method, cancellation }: Question): Promise<void> | undefined {
    if (this.#options.outlet(NOTHING)) return undefined;
    if (cancellation.reason !== undefined)
      return Promise.reject(new GatewayError('CANCELLED', `Cancelled "${method}": ${cancellation.reason}`));
    const waiting = (this.#waitingForOutlet ??= new Set());
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        waiting.delete(proceed);
        stopTimer();
        unwatch();
        settle();
      };
      const proceed = () => end(resolve);
      const fail = (why: string) =>
        end(() => reject(new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot ask this client "${method}": ${why}`, { data: { method } })));
      waiting.add(proceed);
      const stopTimer = this.#context.clock.after(OUTLET_MS, () => fail(`it opened no stream for it in ${OUTLET_MS} ms`));
      const unwatch = cancellation.watch((reason) => fail(reason));
    });
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
    subscriptions.set(uri, this.#context.handler.subscribe(uri, this));
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

const NOTHING = Buffer.alloc(0);

// Calls of these revisions have no rounds. What goes by these names would be taken by a modern server for a state it gave us.
function withoutRound(message: RequestMessage): RequestMessage {
  const { params } = message;
  if (!params.has('requestState') && !params.has('inputResponses')) return message;
  return { ...message, params: withParams(params, { requestState: undefined, inputResponses: undefined }) };
}

/** Reads who a client is from its `initialize`. @throws GatewayError `INVALID_PARAMS` */
export function readInitializingClient({ params }: RequestMessage): ClientProfile {
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
