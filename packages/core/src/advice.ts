/**
 * What learning advises the path. Whoever asks goes by itself where there is none, and checks what it gets: advice is a second
 * opinion that may be late, wrong or gone. Asked on the path, so it must answer at once, and it never waits.
 */
export interface Advice {
  /** Of what is known at present; grows with each change of it. */
  readonly version: number;
  /** Orders the tools for one need, best first; `undefined` to leave them as they are. It may name tools that were not found. */
  readonly rank?: ((asking: RankAsking) => readonly AdvisedTool[] | undefined) | undefined;
  /** What helped others whose call of a tool was not taken, each a sentence for a model to read. */
  readonly hints?: ((refused: RefusedCall) => readonly string[]) | undefined;
  /** Tools that were called of late, most first. */
  readonly usage?: (() => readonly ToolUsage[]) | undefined;
  /** How long an answer of a tool is worth waiting for, in milliseconds; `undefined` when too little is known. */
  readonly timeoutMs?: ((upstream: string, tool: string) => number | undefined) | undefined;
  /** How likely each of several fallbacks should be the first to be tried, best first; `undefined` to leave them as they are configured. */
  readonly fallbacks?: ((fallbacks: readonly CalledTool[]) => readonly AdvisedFallback[] | undefined) | undefined;
  /** How likely an upstream fails again that has failed, from 0 to 1; `undefined` where too little is known. */
  readonly failureRisk?: ((upstream: string, failures: FailuresInRow) => number | undefined) | undefined;
  /** What is tried on who searches; `undefined` when nothing is. The same for the same caller and version. */
  readonly trials?: ((caller: SearchCaller) => SearchTrials | undefined) | undefined;
  /** What a caller is likely to call next; `undefined` where that is not known. */
  readonly next?: ((caller: SearchCaller) => NextCalls | undefined) | undefined;
  /**
   * The upstream, other than its own, that most of those who call a tool call next; `undefined` where there is none. Absent where
   * nobody can tell.
   */
  readonly upstreamAfter?: ((upstream: string, tool: string) => string | undefined) | undefined;
  /** Which calls may be made before anybody asks for them; absent where nobody can tell, or where none shall be. */
  readonly ahead?: AheadAdvice | undefined;
  /** Whether a call may be answered with the result of a similar one; absent where nobody can tell. */
  readonly similar?: SimilarAdvice | undefined;
  /**
   * Under which restraints a caller is with a tool, for what it did that was abnormal; the same object for the same one as long as it
   * lasts. How far they hold it back is not for advice to say. `undefined` while nobody is restrained.
   */
  readonly restraints?: ((call: RestrainedCall) => readonly Restraint[]) | undefined;
}

/** What conversations go on to so often that the call may be made before. */
export interface AheadAdvice {
  /**
   * The call that most likely comes after others of one conversation; `undefined` where none is likely enough.
   * @param last Two calls at most, the last one first.
   */
  readonly after: (last: readonly CalledTool[]) => PlannedCall | undefined;
  /** Keyed hash of a place within results, which may have names in it that nobody else should read. */
  readonly hashOf: (place: string) => string;
}

export interface PlannedCall extends CalledTool {
  /** Where its arguments come from, as `CallStep.sources` says it. */
  readonly sources: string;
  /** Probability that it is the next one, with these arguments. */
  readonly share: number;
}

/** After which calls of its conversation a call was made, and where its arguments could have been had by then. */
export interface CallStep {
  /** One call or two, the last one first. */
  readonly after: readonly CalledTool[];
  /**
   * For each argument where its value stood before: names of arguments and keyed hashes of places within results, never values. The
   * same text for the same places. Absent where one stood nowhere, and for calls that are not to be made ahead.
   */
  readonly sources?: string | undefined;
}

/** Sees arguments, so what it says is kept in memory alone. */
export interface SimilarAdvice {
  /** What calls of a tool have in common that may be similar. */
  readonly keyOf: (args: unknown) => string;
  /** @returns `undefined` for two of which the one never answers for the other. */
  readonly judge: (pair: SimilarPair) => SimilarJudgement | undefined;
}

/** The arguments of two calls of one tool. */
export interface SimilarPair {
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  readonly inputSchema: unknown;
  readonly asked: unknown;
  readonly known: unknown;
  /** Largest share of wrong answers among those given, as the operator set it. */
  readonly maxWrong: number;
}

export interface SimilarJudgement {
  /** Whether the bound is within what the operator allows. */
  readonly isServed: boolean;
  /** Upper bound on the share of wrong answers among such; 1 where nothing is known. */
  readonly wrongBound: number;
  /** Share of such calls that should be made all the same, to see whether the answer would have been right. */
  readonly checkShare: number;
  /** In what the two differ, without any value; empty when in nothing that matters. */
  readonly edit: string;
  /** Where and between what, as a keyed hash. */
  readonly detail: string;
}

export interface RestrainedCall {
  readonly principal: string;
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
}

export interface Restraint {
  /** Of the anomaly that it is for. */
  readonly id: string;
  /** Whether it holds back all calls of the caller rather than those of one tool. */
  readonly isOfAll: boolean;
  /** Unix time in milliseconds. */
  readonly endsAtMs: number;
  /** What was unusual, for people: `it calls far more often than it ever did`. */
  readonly why?: string | undefined;
}

export interface ToolUsage {
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  /** Calls, those of a week ago for half. */
  readonly weight: number;
}

export interface NextCalls {
  /** What was called last. */
  readonly after: CalledTool;
  /** Most likely first. */
  readonly tools: readonly (CalledTool & {
    /** Probability that it is the next one, as far as anybody can tell. */
    readonly share: number;
  })[];
}

export interface CalledTool {
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
}

export interface AdvisedFallback extends CalledTool {
  /** Probability with which it should be the first, of those that are not left to the configured order. */
  readonly share: number;
}

/** How an upstream has fared up to now, as the path knows it at once. */
export interface FailuresInRow {
  /** Since its last answer; at least 1. */
  readonly failures: number;
  /** Milliseconds since the last of them. */
  readonly sinceMs: number;
}

export interface RefusedCall {
  readonly principal: string;
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  /** JSON-RPC code of the refusal; `undefined` for a tool that failed or was not called because of its arguments. */
  readonly code: number | undefined;
}

/** Who searches: a session, or where there is none a principal and its client. */
export interface SearchCaller {
  readonly principal: string;
  readonly client: string | undefined;
  readonly session: string | undefined;
}

/** What experiments make of the searches of one caller. */
export interface SearchTrials {
  /** The arm in each experiment that is about every search, as `experiment=arm`. */
  readonly arms: readonly string[];
  /** Which ranking is shown. Absent where none is on trial: then it is the advised one. */
  readonly ranking?: { readonly isAdvised: boolean; readonly share: number } | undefined;
  /** How many tools are shown for each need where the caller does not say. */
  readonly limit?: LimitTrial | undefined;
  /** Of tools whose description is on trial. */
  readonly descriptions?: readonly DescriptionTrial[] | undefined;
}

export interface LimitTrial {
  /** What the candidate shows. */
  readonly candidate: number;
  readonly isCandidate: boolean;
  /** Of callers who get the candidate. */
  readonly share: number;
}

export interface DescriptionTrial {
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  /** As `experiment=arm`; it stands in the facts of searches that show the tool. */
  readonly arm: string;
  /** What is shown in place of its own description; absent for the control. */
  readonly text?: string | undefined;
}

/** Where advice is read, anew each time it is wanted; `undefined` while there is none. */
export interface AdviceSource {
  readonly current: Advice | undefined;
}

export interface RankAsking {
  readonly need: string;
  /** As the static ranking found them, best first, and more of them than are shown. */
  readonly found: readonly FoundTool[];
  /** How many are shown. */
  readonly limit: number;
  /** Whether a tool that was not found can be called where it is asked for. */
  readonly isKnown: (upstream: string, tool: string) => boolean;
}

export interface FoundTool {
  readonly upstream: string;
  /** The upstream's own name of it. */
  readonly tool: string;
  /** From 0 to 1; comparable within one need only. */
  readonly score: number;
}

export interface AdvisedTool {
  readonly upstream: string;
  readonly tool: string;
  /** What speaks for its place, for people and models: `chosen 41 of 44 times`. */
  readonly why?: string | undefined;
}
