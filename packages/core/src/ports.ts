import type { CalledTool, CallStep, FailuresInRow } from './advice.ts';
import type { Answer, Awaitable, Call, Implementation } from './call.ts';
import type { GatewayConfig, UpstreamConfig } from './config/gateway-config.ts';
import type { UpstreamKind } from './config/upstream-config.ts';
import type { SurfaceKind } from './config/virtual-server-config.ts';
import type { ErrorCode } from './errors.ts';
import type { RawJson } from './raw-json.ts';

/** Makes a call: the one door for everything that uses tools. */
export type Dispatch = (call: Call) => Awaitable<Answer>;

/** The fact that stays of a finished call. Carries no arguments and no results. */
export interface Record {
  readonly callId: string;
  readonly method: string;
  /** Public name of the tool or prompt, or the resource URI; `undefined` for methods without one. */
  readonly name: string | undefined;
  /** The virtual server it was made at; `undefined` at the address where everything is. */
  readonly server: string | undefined;
  /** Who made it, as far as their credential tells. */
  readonly principal: string;
  readonly upstream: string | undefined;
  /** What the upstream itself calls the tool, prompt or resource. */
  readonly upstreamName: string | undefined;
  readonly client: string | undefined;
  readonly revision: string;
  /** Wall clock, milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of that, spent waiting for slots. */
  readonly queuedMs: number;
  /** Of that, spent in upstreams and waiting for their connections. */
  readonly upstreamMs: number;
  /** From the beginning to the first attempt; `undefined` when there was none. */
  readonly sentAfterMs: number | undefined;
  /** As they arrived, where that is known. */
  readonly paramsBytes: number | undefined;
  /** Of a result that was held whole, where that is known. */
  readonly resultBytes: number | undefined;
  readonly status: 'ok' | 'tool-error' | 'rpc-error' | 'gateway-error' | 'cancelled';
  /** Our error code, or the JSON-RPC code of the upstream's refusal. */
  readonly error: string | undefined;
  readonly attempts: number;
  readonly cached: boolean;
  /** The tier of the cache that answered; `similar` when it answered with what a similar call was answered. */
  readonly cacheTier: string | undefined;
  /** Whether nobody has asked for it: the gateway made it, to have the answer at hand. Absent where somebody has. */
  readonly isAhead?: true | undefined;
  /** Whether the person at the client was asked about it, because it was abnormal, and let it be made. Absent where not. */
  readonly isApproved?: true | undefined;
  /** Absent while calls are not traced. */
  readonly trace: TraceContext | undefined;
}

/** A call's place in a trace, as https://www.w3.org/TR/trace-context/ has it. Ids are hexadecimal. */
export interface TraceContext {
  readonly traceId: string;
  /** Of the call as its client sees it. */
  readonly spanId: string;
  /** Of what the call is a part of. */
  readonly parentSpanId: string | undefined;
  /** Of the part that is the upstream's. */
  readonly upstreamSpanId: string;
  readonly isSampled: boolean;
}

/** What a call was about, beside its record. */
export interface RecordPayload {
  readonly arguments: RawJson | undefined;
  /** The result, or what has been seen of one that was passed on while it arrived; `undefined` when there was none. */
  readonly result: RawJson | undefined;
  /** Id of the session it was made in, which whoever keeps it must not give away. */
  readonly session?: string | undefined;
  /** Absent where the first attempt was the only one, and nothing had failed before it. */
  readonly detour?: Detour | undefined;
  /** Absent where nobody wants to know, and for the first call of a conversation. */
  readonly step?: CallStep | undefined;
}

/** What came of what had failed: in this call, and before it. */
export interface Detour {
  /** Attempts that were made before the last one, in that order. */
  readonly failed: readonly FailedAttempt[];
  /**
   * Once it turned to its fallbacks, these in the order in which they were to be tried; with the one that was asked for among them
   * where that was not to be the first for sure.
   */
  readonly fallbacks: readonly FallbackChoice[];
  /** Attempts that came after failures of their upstream, in that order. */
  readonly afterFailures: readonly AttemptAfterFailures[];
}

/** What an upstream did that had failed. Attempts that tell nothing of it, such as those that were taken back, are not among them. */
export interface AttemptAfterFailures extends FailuresInRow {
  readonly upstream: string;
  readonly hasFailed: boolean;
}

export interface FailedAttempt extends CalledTool {
  readonly error: ErrorCode;
}

export interface FallbackChoice extends CalledTool {
  /** In the configured order, from 1; 0 for the one that was asked for. */
  readonly staticPlace: number;
  /** Probability with which it was to be the first. */
  readonly propensity: number;
}

/** What was searched for and what was shown for it. */
export interface SearchRecord extends Pick<Record, 'principal' | 'server' | 'client'> {
  readonly session: string | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** Version of the advice that had a say in it; 0 when there was none. */
  readonly adviceVersion: number;
  /** Of experiments that it was part of, as `experiment=arm`. */
  readonly arms: readonly string[];
  /** Of the answer, structured. */
  readonly answerBytes: number;
  readonly results: readonly SearchRecordResult[];
}

export interface SearchRecordResult {
  readonly need: string;
  /** Best first. */
  readonly shown: readonly ShownRecord[];
}

export interface ShownRecord {
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  /** Its place without any advice, from 1; 0 when it would not have been found. */
  readonly staticRank: number;
  /** Its place as advice would have it, from 1, where that is on trial; 0 when advice would not show it. */
  readonly candidateRank?: number;
  /** Probability with which it was shown at its place. */
  readonly propensity: number;
}

/** A call that was made although the answer of a similar one was at hand, and whether the two answers are the same. */
export interface ComparisonRecord extends Pick<Record, 'principal' | 'client'> {
  readonly session: string | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  /** Both as advice said of the two. */
  readonly edit: string;
  readonly detail: string;
  readonly isSame: boolean;
}

/** Takes facts about finished calls. */
export interface Journal {
  /** Tells whether a call may be made, which is so without this. @throws GatewayError `AUDIT_UNAVAILABLE` while its record could not be kept. */
  check?(): void;
  /** How much of arguments and of results is wanted beside each record. Default 0. */
  readonly payloadBytes?: number;
  /** Whether arguments and results that are held whole anyway are wanted beside each record, at no cost. Default false. */
  readonly wantsPayload?: boolean;
  /** Whether nothing of an answer may leave before its record is kept. Default false. */
  readonly isDurable?: boolean;
  /** Must return at once and never throw. The answer waits for what it returns, and is not given when that fails. */
  write(record: Record, payload?: RecordPayload): Awaitable<void>;
  /** Takes what was searched for. Must return at once and never throw. Absent where nobody wants to know. */
  search?(record: SearchRecord): void;
  /** Takes what came of two similar calls. Must return at once and never throw. Absent where nobody wants to know. */
  compare?(record: ComparisonRecord): void;
}

/** One version of what is wanted. Immutable; replaced whole. */
export interface Snapshot {
  readonly version: number;
  readonly config: GatewayConfig;
  /** In configuration order. */
  readonly upstreams: ReadonlyMap<string, DesiredUpstream>;
}

export interface DesiredUpstream {
  readonly name: string;
  readonly config: UpstreamConfig;
  /** Raised to ask for a restart although the configuration is unchanged. */
  readonly generation: number;
}

/** What is wanted. The data plane reads `current` once per call and follows changes. */
export interface State {
  readonly current: Snapshot;
  /** Calls `listener` after each change. Returns its own stop function. */
  watch(listener: (next: Snapshot, previous: Snapshot) => void): () => void;
}

export const UPSTREAM_STATES = ['configured', 'known', 'starting', 'ready', 'degraded', 'failed', 'stopped'] as const;
/**
 * `configured`: wanted, never started, nothing remembered · `known`: not running, its lists are remembered ·
 * `starting` · `ready` · `degraded`: running, but its last pings or calls failed · `failed`: waits for its next attempt ·
 * `stopped`: switched off.
 */
export type UpstreamState = (typeof UPSTREAM_STATES)[number];

/** Something that an upstream lists and clients do not see. */
export interface LeftOutEntry {
  readonly kind: 'tool' | 'prompt' | 'resource' | 'template';
  readonly name: string;
  /** What is wrong with its definition. */
  readonly reason: string;
}

/** What is observed of one upstream. */
export interface UpstreamStatus {
  readonly name: string;
  readonly kind: UpstreamKind;
  readonly state: UpstreamState;
  /** Why it is in this state; for `failed` the upstream, phase and budget, and what to do. */
  readonly reason: string;
  readonly since: string;
  readonly revision: string | undefined;
  readonly server: Implementation | undefined;
  readonly pid: number | undefined;
  /** Words of the configuration to select it by. */
  readonly tags: readonly string[];
  /** What the server announced, by name. */
  readonly capabilities: readonly string[];
  readonly tools: number;
  readonly resources: number;
  readonly prompts: number;
  /** What it lists that is not offered on, with the reason; at most a hundred of each kind. */
  readonly leftOut: readonly LeftOutEntry[];
  /** Times it was started by this process, the first included. */
  readonly starts: number;
  readonly calls: number;
  readonly failures: number;
  /** Connections open for single clients beside the shared one. */
  readonly isolated: number;
  /** Such connections that were opened before a call needed them, so far. */
  readonly openedAhead: number;
  /** Of these, the ones that a call has used. */
  readonly usedAhead: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Last lines the upstream wrote to stderr, oldest first. */
  readonly stderr: readonly string[];
}

/** What is observed of one virtual server. */
export interface VirtualServerStatus {
  readonly name: string;
  /** Where it is reached on the listener. */
  readonly path: string;
  readonly surface: SurfaceKind;
  /** Upstreams it is made of, also those that are away. */
  readonly upstreams: readonly string[];
  /** Tools that can be called there, however they are found. */
  readonly tools: number;
  readonly resources: number;
  readonly prompts: number;
}

/** What is observed. */
export interface Status {
  upstreams(): readonly UpstreamStatus[];
  virtualServers(): readonly VirtualServerStatus[];
  sessions(): { readonly open: number; readonly streams: number };
}

/** Time as an argument, so that tests need not sleep. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Monotonic, milliseconds, any origin. */
  monotonic(): number;
  /** Returns a function that cancels the timer. The timer does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void;
}

/** Structured logs. Never user output. `fields` must be JSON and hold no secret. */
export interface Logger {
  readonly isDebug: boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The process cannot go on. */
  fatal(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each line. */
  with(fields: LogFields): Logger;
}
export type LogFields = Readonly<globalThis.Record<string, unknown>>;

/** Small JSON documents that outlive the process, by key. Keys match `[a-z0-9._-]+`. */
export interface DocumentStore {
  /** @returns the document, or `undefined` if there is none or it cannot be read. */
  read(key: string): Promise<unknown>;
  /** Replaces the document whole; after a crash either the old or the new one is there. */
  write(key: string, document: unknown): Promise<void>;
  remove(key: string): Promise<void>;
}

/** Lines of text that outlive the process, in the order they were appended. A line holds no line end. */
export interface LineLog {
  /** What earlier runs left, oldest first. A line that a crash cut off is not among them. */
  read(): Promise<readonly string[]>;
  /** Resolves once the line would survive a crash of the machine. */
  append(line: string): Promise<void>;
  /** Puts other lines in the place of all that were read or appended; after a crash the old ones or the new ones are there. */
  replace(lines: readonly string[]): Promise<void>;
}

/**
 * Turns state that leaves the house into text nobody else can read or make, and back. A sealed text opens only for the
 * purpose it was sealed for, and, where the key is kept, after a restart and on every replica that has it.
 */
export interface Seal {
  /** @param options.context What the text is bound to beside its purpose; must be the same when it is opened. */
  seal(purpose: string, value: unknown, options?: { readonly context?: string }): string;
  /** @returns the value, or `undefined` for a text that is not ours, was changed, or was sealed for something else. */
  open(purpose: string, text: string, options?: { readonly context?: string }): unknown;
}

/** As `Seal`, for bytes that stay in the house, at a place they are bound to. */
export interface ByteSeal {
  seal(bytes: Buffer, place: string): Buffer;
  /** @returns `undefined` for bytes that are not ours, were changed, or were sealed for another place. */
  open(bytes: Buffer, place: string): Buffer | undefined;
}

/** An answer that may be given again. Both times are on the monotonic clock, in milliseconds. */
export interface KeptAnswer<Value> {
  readonly value: Value;
  /** Until then it is as good as a new one. */
  readonly freshUntilMs: number;
  /** Until then it may be given while a new one is fetched. Not before `freshUntilMs`. */
  readonly staleUntilMs: number;
  /** How long it took to get it. */
  readonly tookMs: number;
  /** Where it was found. */
  readonly tier: string;
}

export interface KeepOptions {
  readonly ttlMs: number;
  readonly staleMs: number;
  readonly tookMs: number;
}

/** Answers by what was asked, each in the group of whoever gave it. May forget at any time. Never throws, never rejects. */
export interface AnswerCache<Value> {
  get(group: string, key: string): Awaitable<KeptAnswer<Value> | undefined>;
  set(group: string, key: string, value: Value, options: KeepOptions): void;
  /** Forgets a group, or everything. */
  clear(group?: string): Promise<void>;
}

/**
 * One tier of a cache below memory, the port for drivers of others. Values are opaque, sealed and small: at most the bound
 * of the gateway's own messages. May forget at any time, may hold what another gateway has put there, may fail: a tier
 * that fails is passed over for a moment and its failures are counted.
 */
export interface CacheTier {
  /** Shown where tiers are listed, such as `disk`. */
  readonly name: string;
  get(group: string, key: string): Awaitable<Buffer | undefined>;
  /** Forgets the value after `ttlMs` at the latest. */
  set(group: string, key: string, value: Buffer, options: { readonly ttlMs: number }): Awaitable<void>;
  delete(group: string, key: string): Awaitable<void>;
  clear(group?: string): Awaitable<void>;
  /** What it holds; numbers it cannot know are 0. */
  read(): Awaitable<{ readonly entries: number; readonly bytes: number; readonly maxBytes: number }>;
  /** Hears of groups that others have cleared, or `undefined` for all. Returns its own stop function. */
  watchClears?(listener: (group: string | undefined) => void): () => void;
  close(): Awaitable<void>;
}

/** How a third party's tier begins: the default export of a module named by `cache.shared`. */
export interface CacheTierDriver {
  /** @param options.url As configured, references resolved. */
  open(options: { readonly url: string; readonly namespace: string }): Awaitable<CacheTier>;
}

/** May forget at any time. */
export interface Cache<Value> {
  get(key: string): Value | undefined;
  set(key: string, value: Value, options: { readonly ttlMs: number; readonly bytes: number }): void;
  delete(key: string): void;
  clear(): void;
}
