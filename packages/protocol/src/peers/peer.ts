import type {
  Answer,
  Ask,
  Awaitable,
  CallerSession,
  Cancellation,
  ClientProfile,
  Implementation,
  LogLevel,
  Notification,
  Outcome,
  Request,
  ResultSink,
} from '@signalbox/core';

/** What a server says of itself: the answer to `server/discover`, and the better half of the answer to `initialize`. */
export interface ServerProfile {
  readonly info: Implementation;
  readonly capabilities: Readonly<Record<string, unknown>>;
  readonly instructions: string | undefined;
}

/**
 * What a server peer asks for answers. It sees requests in inner form only: opening a conversation, sessions, pings,
 * log levels, subscriptions and streams are settled before it.
 */
export interface RequestHandler {
  describe(): ServerProfile;
  /** Answers one request. @throws GatewayError which becomes a JSON-RPC error. */
  request(request: Request): Awaitable<Answer>;
  /** Tells of changed lists and resources (`notifications/tools/list_changed`, `…/resources/updated`, …). Returns its own stop function. */
  watch(listener: ChangeListening): () => void;
  /** Someone wants to hear when this resource changes; in a session, if `session` is given. Returns a function that ends the wish. */
  subscribe(uri: string, session?: CallerSession): () => void;
  /**
   * Someone wants to hear of a task of theirs, as `notifications/tasks`. Returns a function that ends the wish, or
   * `undefined` when the caller has no such task, or nobody tells of it.
   */
  watchTask?(taskId: string, wish: TaskWish): (() => void) | undefined;
  /** A notification of the client that belongs to no request and that the peer has no use for itself. */
  notify?(notification: Notification, caller: Caller): void;
}

/** Who speaks to us, and in which session if there is one. */
export type Caller = Pick<Request, 'client' | 'principal' | 'session'>;

/** Takes what is told to all who listen but the sessions in `except`: those are told by themselves what is true for them. */
export type ChangeListening = (notification: Notification, except?: ReadonlySet<CallerSession>) => void;

/** Who wants to hear of a task. */
export interface TaskWish extends Caller {
  readonly listener: (notification: Notification) => void;
}

/** A request towards an upstream, in inner form. */
export interface OutgoingRequest extends Omit<Request, 'mirrored' | 'sink'> {
  /** Longest wait for the answer, in milliseconds. Each progress notification starts it anew. */
  readonly timeoutMs: number;
  /** The answer may be a task, although the client does not say so in the terms of the modern revision. */
  readonly offersTask?: boolean | undefined;
  /**
   * Present when the answer may be a task of a handshake server, whose progress goes on after it. Happens when the task is
   * over, or there is none.
   */
  readonly taskEnd?: Cancellation | undefined;
}

/** An open conversation with one upstream, whatever its revision and transport. */
export interface Connection {
  /** The revision agreed on. */
  readonly revision: string;
  readonly server: ServerProfile;
  /**
   * Sends a request and waits for its answer. An answer of the server, also a refusal, is an outcome.
   * @throws GatewayError `DEADLINE_EXCEEDED`, `CANCELLED`, `UPSTREAM_UNAVAILABLE` (data `sent: boolean` tells whether the
   * request may have reached the server), `UPSTREAM_PROTOCOL` when the answer is no valid message.
   */
  request(request: OutgoingRequest): Promise<Outcome>;
  /** The same for a request whose result may flow while it arrives; absent where results are read whole. */
  pour?(request: OutgoingRequest, sink: ResultSink): Promise<Answer>;
  /**
   * Whether a question of the server during a call comes with that call. Where it does not, calls of different clients that
   * may be asked must not be in flight together.
   */
  readonly isCorrelated: boolean;
  /** Tells the server something that has no answer. A modern one is told only what a client says, as it has to know whose word it is. */
  notify(notification: Notification, caller?: Caller): void;
  /** Resolves when the server answers a ping. @throws GatewayError as `request` does. */
  ping(timeoutMs: number): Promise<void>;
  /**
   * Asks to hear of changes of a resource; they arrive as `notifications/resources/updated`. Held until `unsubscribe`,
   * also when the server forgets us in between. @throws GatewayError as `request` does, or when the server cannot.
   */
  subscribe(uri: string): Promise<void>;
  /** Ends the wish. @throws GatewayError as `request` does. */
  unsubscribe(uri: string): Promise<void>;
  /**
   * Asks to hear of a task; it arrives as a notification of the revision spoken. Servers of the handshake generation tell
   * of theirs unasked, and none has to tell. Held until `unwatchTask`, also when the server forgets us in between.
   */
  watchTask(taskId: string): void;
  /** Ends the wish. */
  unwatchTask(taskId: string): void;
  /**
   * Sets the least severe level of log messages the server sends, where one level holds for the whole conversation.
   * Without effect on modern servers, which read the level of each request. @throws GatewayError as `request` does.
   */
  setLogLevel(level: LogLevel): Promise<void>;
  /** Resolves with the reason once the conversation is over, whoever ended it. Never rejects. */
  readonly closed: Promise<string>;
  /** Ends the conversation and frees everything it holds; for stdio the whole process tree. Idempotent. */
  close(): Promise<void>;
}

/** How to open a conversation, whatever the transport. */
export interface ConnectOptions {
  /** Name used in error messages. */
  readonly upstream: string;
  readonly client: Implementation;
  /** `auto` asks with `server/discover` first and falls back to `initialize`. */
  readonly revision: 'auto' | 'modern' | 'handshake';
  /** What the client may be asked on this connection, as its capabilities say it. Default: nothing. */
  readonly capabilities?: ClientProfile['capabilities'];
  /** Brings what the server asks outside of any call to the client. Default: it is refused. */
  readonly ask?: Ask;
  /** Which generation answered last time, so that `auto` tries it first. */
  readonly lastRevision?: string;
  readonly handshakeMs: number;
  /** Largest message accepted from the server, in bytes. */
  readonly maxMessageBytes: number;
  /** Notifications that belong to no request in flight: changed lists, updated resources, uncorrelated log messages. */
  readonly onNotification: (notification: Notification) => void;
  /** Told, in place of changed lists, when the server did not know us any more and the conversation was begun anew. */
  readonly onForgotten?: () => void;
}
