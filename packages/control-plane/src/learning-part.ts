import type {
  ForgetRequest,
  ForgottenBody,
  LearningBody,
  ModelCommitsBody,
  ModelDiffBody,
  ReplayedBody,
  SequencesBody,
  ToolInsightsBody,
  WhyBody,
} from './admin/schemas/learning.ts';

export type {
  ForgetRequest,
  ForgottenBody,
  LearningBody,
  ModelCommit,
  ModelCommitsBody,
  ModelDiffBody,
  ReplayedBody,
  SequencesBody,
  ToolInsight,
  ToolInsightsBody,
  WhyBody,
} from './admin/schemas/learning.ts';

/**
 * Learning, as the admin API reads and steers it. It runs beside the gateway and may be away: then everything but `status`
 * rejects with GatewayError `OVERLOADED`.
 */
export interface LearningPart {
  status(): Awaitable<LearningBody>;
  /** The tools for a need as a client would be shown them. @param options.server A virtual server. @throws GatewayError `UNKNOWN_NAME`. */
  why(need: string, options: { readonly limit: number; readonly server?: string | undefined }): Awaitable<WhyBody>;
  tools(): Promise<ToolInsightsBody>;
  sequences(limit: number): Promise<SequencesBody>;
  commits(limit: number): Promise<ModelCommitsBody>;
  /** @throws GatewayError `UNKNOWN_NAME` for what is neither a commit nor a branch or tag. */
  diff(from: string, to: string, options: { readonly limit: number }): Promise<ModelDiffBody>;
  /** Goes on from an older commit. @throws GatewayError `UNKNOWN_NAME`. @returns the commit that says so. */
  rollBack(to: string): Promise<{ readonly commit: string }>;
  freeze(isFrozen: boolean): Promise<void>;
  forget(request: ForgetRequest): Promise<ForgottenBody>;
  /** Learns all kept facts anew, offline, and compares. */
  replay(): Promise<ReplayedBody>;
}

type Awaitable<Value> = Value | Promise<Value>;
