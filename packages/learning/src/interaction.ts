import type { CallStep } from '@signalbox/core';
import type { Effect } from './effects/read-effect.ts';

/**
 * What learning reads: one fact about a call, a search, an opinion or two calls that were compared, without payloads. Who and what was said stand in it as keyed
 * hashes, taken before the interaction exists, so nothing that reads the journal can tell an argument's or a caller's name.
 */
export type Interaction = CallInteraction | SearchInteraction | FeedbackInteraction | ComparisonInteraction;

interface InteractionBase {
  /** Rises within one producer; with `atMs` it orders what one gateway saw. */
  readonly sequence: number;
  /** Unix time in milliseconds. */
  readonly atMs: number;
  /** Tenants learn apart. Empty where there is one only. */
  readonly tenant: string;
  /** Keyed hash of who called; empty for a caller without a name. */
  readonly principal: string;
  /** Keyed hash of what holds a conversation together: the session, or principal and client where there is none. */
  readonly session: string;
  /** Name of the client's software, as it gives it. */
  readonly client: string;
  /** Version of the advice that the path went by; 0 is the static policy. */
  readonly policyVersion: number;
  /** Experiment arms in force, as `experiment=arm`. */
  readonly arms: readonly string[];
}

export type CallEnding = 'ok' | 'toolError' | 'refused' | 'timeout' | 'cancelled' | 'unavailable';

export interface CallInteraction extends InteractionBase {
  readonly kind: 'call';
  readonly upstream: string;
  /** The upstream's own name of the tool. */
  readonly tool: string;
  /** Hash of the tool's definition; a change of it starts what is learned of its behaviour anew. */
  readonly toolVersion: string;
  /** What its definition says of it; whatever is not a read may have changed something. */
  readonly effect: Effect;
  /** Keyed hash of the arguments' bytes; empty where they were not read. */
  readonly argsKey: string;
  /** Top-level argument names with their JSON type, as `path:string`, sorted. */
  readonly argsShape: readonly string[];
  readonly argsBytes: number;
  readonly resultBytes: number;
  /** Keyed hash of the result's bytes; empty where they were not read. */
  readonly resultKey: string;
  readonly ending: CallEnding;
  /** Code of the gateway's error or of the JSON-RPC error; empty on success. */
  readonly errorCode: string;
  /** From arrival to the end of the answer, in milliseconds. */
  readonly durationMs: number;
  /** Of that, spent waiting for a slot. */
  readonly queueMs: number;
  readonly attempts: number;
  readonly cached: boolean;
  /** Attempts that were made before the last one, in that order; absent where there were none. */
  readonly failed?: readonly FailedCall[];
  /** Once it turned to its fallbacks, these in the order in which they were to be tried; absent where it did not. */
  readonly fallbacks?: readonly ChosenFallback[];
  /** Attempts at upstreams that had failed before, in that order; absent where there were none. */
  readonly afterFailures?: readonly AfterFailures[];
  /** Keyed hashes of the hosts and mail domains that its arguments name; absent where they name none. */
  readonly destinations?: readonly string[];
  /** What it came after; absent where nobody wanted to know. */
  readonly step?: CallStep;
}

export interface FailedCall {
  readonly upstream: string;
  readonly tool: string;
  readonly toolVersion: string;
  /** Code of the gateway's error. */
  readonly errorCode: string;
}

export interface ChosenFallback {
  readonly upstream: string;
  readonly tool: string;
  /** Place in the configured order, from 1; 0 for the one that was asked for, where it was not to be the first for sure. */
  readonly staticPlace: number;
  /** Probability with which the policy put it first. */
  readonly propensity: number;
}

export interface AfterFailures {
  readonly upstream: string;
  /** In a row, before it. */
  readonly failures: number;
  /** Milliseconds since the last of them. */
  readonly sinceMs: number;
  readonly hasFailed: boolean;
}

export interface SearchInteraction extends InteractionBase {
  readonly kind: 'search';
  /** For each need its hashed features, as `readNeed` gives them. */
  readonly needs: readonly (readonly number[])[];
  /** What was shown, best first. */
  readonly shown: readonly ShownTool[];
  /** Of the answer, its part for these needs. */
  readonly answerBytes?: number;
}

export interface ShownTool {
  readonly upstream: string;
  readonly tool: string;
  /** Place in the static ranking, from 1; 0 where the static ranking did not hold it. */
  readonly staticRank: number;
  /** Probability with which the policy showed it at its place. */
  readonly propensity: number;
  /** Place in the ranking that is on trial, from 1; absent where none is, and where it would not have been shown by it. */
  readonly candidateRank?: number;
}

export interface FeedbackInteraction extends InteractionBase {
  readonly kind: 'feedback';
  readonly upstream: string;
  readonly tool: string;
  /** From -1, wrong, to 1, right. */
  readonly verdict: number;
  /** What it was wanted for, as hashed features; empty when the opinion is on the tool's last call or on an anomaly. */
  readonly need: readonly number[];
  /** What was abnormal about the principal or the tool, as `toAnomalyTopic` says it; empty when the opinion is not on that. */
  readonly anomaly: string;
}

/** A call whose answer came from the upstream although that of a similar one was at hand, and whether the two are the same. */
export interface ComparisonInteraction extends InteractionBase {
  readonly kind: 'comparison';
  readonly upstream: string;
  readonly tool: string;
  readonly toolVersion: string;
  /** In what the arguments differ, as `compareArguments` says it; empty when in nothing that matters. */
  readonly edit: string;
  /** Keyed hash of where and between what they do. */
  readonly detail: string;
  readonly isSame: boolean;
}
