import type { Cancellation } from './cancellation.ts';
import { GatewayError, type RpcError } from './errors.ts';
import type { RawJson } from './raw-json.ts';
import type { ResultSink } from './result-sink.ts';

/** Log levels of MCP (RFC 5424), least severe first. */
export const LOG_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Name and version of a client or server as it states them. Never a security input. */
export interface Implementation {
  readonly name: string;
  readonly version: string;
  readonly [key: string]: unknown;
}

/** What the caller's client said of itself: per request in the modern revision, once in the handshake revisions. */
export interface ClientProfile {
  readonly revision: string;
  readonly info: Implementation | undefined;
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Least severe level the client wants to see, or `off`. */
  readonly logLevel: LogLevel | 'off';
}

/** The members of a request's `params` in the order they arrived, each still as bytes. */
export interface Params extends ReadonlyMap<string, RawJson> {
  /** Length of them all as they arrived, where it is known. */
  readonly byteLength?: number;
}

/** A message without an answer. */
export interface Notification {
  readonly method: string;
  readonly params: RawJson | undefined;
}

/**
 * What a server asks of a client while it works on a call: `sampling/createMessage`, `elicitation/create`, `roots/list`.
 * The outcome is the client's own word, also where it refuses.
 */
export interface Question {
  readonly method: string;
  readonly params: RawJson | undefined;
  /** Happens when the server takes its question back, or the call it belongs to is over. */
  readonly cancellation: Cancellation;
  /** Takes the progress the client reports while it works on its answer, with `progressToken` still the client's. */
  readonly emit?: ((notification: Notification) => void) | undefined;
}

/** Brings a question to a client. @throws GatewayError `MISSING_CAPABILITY` when the client did not declare what it takes; `CANCELLED`. */
export type Ask = (question: Question) => Promise<Outcome>;

/** A client's session in a handshake revision: what goes beyond a single call belongs to it. */
export interface CallerSession {
  readonly id: string;
  readonly client: ClientProfile;
  /** Asks outside of any call, on the session's own stream. */
  readonly ask: Ask;
  /** Tells the client something that belongs to no call. */
  notify(notification: Notification): void;
  /** Calls `listener` once when the session ends, at once if it has. Returns its own stop function. */
  watchEnd(listener: () => void): () => void;
}

/** The principal of callers who show no credential: whoever is on this machine. */
export const LOCAL_PRINCIPAL = 'local';
/** The principal of requests that the gateway makes on its own behalf. */
export const OWN_PRINCIPAL = 'gateway';

/** A request in inner form, which is that of the modern revision: complete in itself, no session behind it. */
export interface Request {
  readonly method: string;
  readonly params: Params;
  readonly client: ClientProfile;
  /** Who asks, as far as their credential tells. Results, handles and states of one principal are nobody else's. */
  readonly principal: string;
  /** The session the request was made in; absent for clients of the modern revision. */
  readonly session?: CallerSession | undefined;
  /** Asks the caller's client on the request's own stream; absent when it cannot be asked anything. */
  readonly ask?: Ask | undefined;
  readonly cancellation: Cancellation;
  /** Sends progress and log messages on the request's own stream; absent when the caller cannot receive any. */
  readonly emit: ((notification: Notification) => void) | undefined;
  /** Whether the caller asked for progress. */
  readonly wantsProgress: boolean;
  /**
   * Arguments the caller repeated outside the body, as text by header name in lower case. Others on the way may have
   * decided on them, so they must say what the body says. Absent where the transport repeats none.
   */
  readonly mirrored?: ReadonlyMap<string, string> | undefined;
  /** Takes a large result while it arrives; absent where results are given whole. */
  readonly sink?: ResultSink | undefined;
}

export type Priority = 'interactive' | 'normal' | 'batch';

/** A request in flight on the path. Frozen by convention: a stage passes on a changed copy. */
export interface Call extends Request {
  /** Correlates logs, records and errors; unique within this process and very likely beyond. */
  readonly id: string;
  readonly priority: Priority;
  /** On the monotonic clock, in milliseconds. No answer is wanted after it. */
  readonly deadlineMs: number;
}

/** One tool, prompt or resource of one upstream, under the name the upstream knows. */
export interface Target {
  readonly upstream: string;
  /** The upstream's own tool or prompt name, or resource URI. */
  readonly name: string;
  readonly definition: ToolDefinition | undefined;
}

/** A tool as its server defines it. Unknown members are kept. */
export interface ToolDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>>;
  readonly annotations?: ToolAnnotations;
  readonly [key: string]: unknown;
}

export interface ToolAnnotations {
  readonly readOnlyHint?: boolean;
  readonly destructiveHint?: boolean;
  readonly idempotentHint?: boolean;
  readonly openWorldHint?: boolean;
  readonly [key: string]: unknown;
}

/** A call whose public name has been resolved to what will really be asked. */
export interface ResolvedCall extends Call {
  readonly target: Target;
  /** Equivalent targets to try in this order when the first one is unavailable. */
  readonly fallbacks: readonly Target[];
}

/** The server answered. */
export interface ResultOutcome {
  readonly kind: 'result';
  readonly result: RawJson;
  /** `complete`, `input_required`, or whatever an extension defines. */
  readonly resultType: string;
  /** A tool that failed: `isError` in its result. */
  readonly isError: boolean;
  /**
   * The revision whose shape `result` has. The bytes are brought into another shape only at the edge that needs it,
   * so that an answer between two servers of one generation is never rewritten.
   */
  readonly revision: string;
  /**
   * Where members that only the modern revision knows lie in the bytes of `result`: pairs of offsets, in order. Found on
   * the way in, so that taking them out needs no second walk over a large result. Absent when nobody has looked.
   */
  readonly modernMembers?: readonly number[] | undefined;
  /** Whether its `structuredContent` is something else than an object, which only the modern revision allows. */
  readonly hasLooseContent?: boolean | undefined;
}

/** The server refused, in JSON-RPC's terms. Passed on as it is. */
export interface ErrorOutcome {
  readonly kind: 'error';
  readonly error: RpcError;
}

export type Outcome = ResultOutcome | ErrorOutcome;

/** The server answered, and its result went into the caller's sink while it arrived. Nobody has it whole. */
export interface Delivered {
  readonly kind: 'delivered';
  readonly resultType: string;
  readonly isError: boolean;
}

/** What comes back for a call that has a sink. */
export type Answer = Outcome | Delivered;

/** The outcome in the answer to a call without a sink. @throws GatewayError `INTERNAL` when the result has gone elsewhere. */
export function toOutcome(answer: Answer): Outcome {
  if (answer.kind !== 'delivered') return answer;
  throw new GatewayError('INTERNAL', 'Cannot read a result that has been delivered already');
}

/** A value, or a promise of it where it cannot be had at once. Keeps promises off the path where none is needed. */
export type Awaitable<T> = T | Promise<T>;

export type Next<In extends Call = Call> = (call: In) => Awaitable<Answer>;

/** One step around a call. `Out` is what the call carries once the stage has passed it on. */
export type Stage<In extends Call = Call, Out extends Call = In> = (call: In, next: Next<Out>) => Awaitable<Answer>;

/** Makes calls whose results come whole, for stages that have to look at them. */
export function wholly<In extends Call>(next: Next<In>): (call: In) => Awaitable<Outcome> {
  return (call) => {
    const answer = next({ ...call, sink: undefined });
    return answer instanceof Promise ? answer.then(toOutcome) : toOutcome(answer);
  };
}
