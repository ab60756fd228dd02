import type { AnomaliesBody, AnomalyBody, AnomalyFeedbackRequest, ClustersBody, RestraintBody } from './admin/schemas/anomalies.ts';
import type { ExperimentBody, ExperimentRequest, ExperimentsBody } from './admin/schemas/experiments.ts';
import type { QualityBody } from './admin/schemas/quality.ts';
import type { ProposalsBody } from './admin/schemas/proposals.ts';
import type { SurfacesBody } from './admin/schemas/surfaces.ts';
import type {
  ForgetRequest,
  ForgottenBody,
  LearningBody,
  ModelCommitsBody,
  ModelDiffBody,
  ReplayedBody,
  SequencesBody,
  TagBody,
  TagRequest,
  ToolInsightsBody,
  WhyBody,
} from './admin/schemas/learning.ts';

export type { AnomaliesBody, AnomalyBody, AnomalyFeedbackRequest, ClustersBody, RestraintBody } from './admin/schemas/anomalies.ts';
export type { ExperimentBody, ExperimentRequest, ExperimentsBody } from './admin/schemas/experiments.ts';
export type { QualityBody } from './admin/schemas/quality.ts';
export type { ProposalsBody } from './admin/schemas/proposals.ts';
export type { SurfacesBody } from './admin/schemas/surfaces.ts';
export type {
  ForgetRequest,
  ForgottenBody,
  LearningBody,
  ModelCommit,
  ModelCommitsBody,
  ModelDiffBody,
  ReplayedBody,
  SequencesBody,
  TagBody,
  TagRequest,
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
  /** What the lists of tools cost with each surface, and which one fits which client. */
  surfaces(): Promise<SurfacesBody>;
  sequences(limit: number): Promise<SequencesBody>;
  /** How good searches were, day by day. */
  quality(limit: number): Promise<QualityBody>;
  /** Changes of definitions that would have saved callers a failure. @param of Only of this upstream, and of this tool of it. */
  proposals(of: { readonly upstream?: string | undefined; readonly tool?: string | undefined }): Promise<ProposalsBody>;
  /** @throws GatewayError `NOT_FOUND` while nobody looks for them. */
  anomalies(query: AnomalyQuery): Promise<AnomaliesBody>;
  /** Learns an opinion. @throws GatewayError `UNKNOWN_NAME`; `CONFLICT` while nothing is learned. @returns the anomaly after it. */
  judgeAnomaly(request: AnomalyFeedbackRequest): Promise<AnomalyBody>;
  /** Lets go who is held back for an anomaly. @throws GatewayError `UNKNOWN_NAME` where nobody is. */
  liftRestraint(id: string): Awaitable<RestraintBody>;
  /** Calls `listener` with each new anomaly, without names. Returns its own stop function. */
  watchAnomalies(listener: (anomaly: AnomalyBody) => void): () => void;
  clusters(): Promise<ClustersBody>;
  commits(limit: number): Promise<ModelCommitsBody>;
  /** @throws GatewayError `UNKNOWN_NAME` for what is neither a commit nor a branch or tag. */
  diff(from: string, to: string, options: { readonly limit: number }): Promise<ModelDiffBody>;
  /** Goes on from an older commit. @throws GatewayError `UNKNOWN_NAME`. @returns the commit that says so. */
  /** Names a commit; a name that another one has moves. @throws GatewayError `UNKNOWN_NAME`; `INVALID_PARAMS` for a name that means something else. */
  tag(request: TagRequest): Promise<TagBody>;
  /** @throws GatewayError `UNKNOWN_NAME`. */
  untag(name: string): Promise<void>;
  rollBack(to: string): Promise<{ readonly commit: string }>;
  freeze(isFrozen: boolean): Promise<void>;
  forget(request: ForgetRequest): Promise<ForgottenBody>;
  /** Learns all kept facts anew, offline, and compares. */
  replay(): Promise<ReplayedBody>;
  readonly experiments: ExperimentsPart;
}

/** What is tried on a share of sessions. Rejects with GatewayError `UNKNOWN_NAME` for a name that no experiment has. */
export interface ExperimentsPart {
  list(): Promise<ExperimentsBody>;
  get(name: string): Promise<ExperimentBody>;
  /** @throws GatewayError `CONFLICT` when its name is taken or another one tries the same; `UNKNOWN_NAME` for a proposal that is none. */
  start(request: ExperimentRequest): Promise<ExperimentChange>;
  steer(name: string, command: 'stop' | 'freeze' | 'thaw'): Promise<ExperimentChange>;
  /** @throws GatewayError `CONFLICT` while it is on trial. */
  remove(name: string): Promise<void>;
}

export interface ExperimentChange {
  /** Whether the command has changed anything. */
  readonly hasChanged: boolean;
  readonly experiment: ExperimentBody;
}

export interface AnomalyQuery {
  readonly sinceMs?: number | undefined;
  readonly upstream?: string | undefined;
  readonly kind?: AnomalyBody['kind'] | undefined;
  readonly limit: number;
}

type Awaitable<Value> = Value | Promise<Value>;
