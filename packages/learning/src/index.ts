export type {
  AfterFailures,
  CallEnding,
  CallInteraction,
  ChosenFallback,
  ComparisonInteraction,
  FailedCall,
  FeedbackInteraction,
  Interaction,
  SearchInteraction,
  ShownTool,
} from './interaction.ts';
export type { Model, ModelState, ModelTable, TableSpec } from './model.ts';
export { mergeStates, type Descendants } from './merge-states.ts';
export type { Forgotten, Replayed } from './learner/learner.ts';
export { readInteraction, toFactBytes } from './codec/interaction-codec.ts';
export { decodeAdvice, encodeAdvice, type Published } from './learner/advice-codec.ts';
export type { AdviceSnapshots, LearnerReading } from './learner/messages.ts';
export { startLearner, type LearnerState, type LearnerThread, type StartLearnerOptions } from './learner/start-learner.ts';
export type { Commit, RowChange } from './model-store/model-store.ts';
export { createFailureRuns, gradeOf, type FailureRisks, type FailureRuns } from './outcomes/failure-runs.ts';
export { orderArms, type ArmCounts, type OrderedArm } from './outcomes/order-arms.ts';
export { createToolOutcomes, type ToolOutcomes, type ToolReport } from './outcomes/tool-outcomes.ts';
export { createSequences, type FrequentSequence, type NextTool, type Sequences, type ToolId } from './sequences/sequences.ts';
export { createSearchModel, type SearchModel } from './search/search-model.ts';
export type { SearchFeedback, ShownKey } from './search/search-feedback.ts';
export type { LearnedTool, RankAsking, StaticTool } from './search/rank-learned.ts';
export { readNeed } from './search/read-need.ts';
export { createFeedbackReader, toolKey } from './search/read-feedback.ts';
export { openSearchAdvice, type AdviceAsking, type SearchAdvice } from './search/search-advice.ts';
export { encodeSearchSnapshot, openSearchSnapshot, type SearchSnapshot, type SnapshotSource } from './search/search-snapshot.ts';
export { createEffectModel, type EffectModel, type EffectVerdict } from './effects/effect-model.ts';
export { readEffect, type DescribedTool, type Effect, type EffectReading } from './effects/read-effect.ts';
export { candidateKey } from './cache-advice/candidate-key.ts';
export { compareArguments, type ArgumentDifference, type CompareOptions } from './cache-advice/compare-arguments.ts';
export {
  createSimilarityModel,
  type ComparedCalls,
  type ReuseAnswer,
  type ReuseQuestion,
  type SimilarityModel,
  type SimilarityOptions,
} from './cache-advice/similarity-model.ts';
export { assignArm, isBalanced, type Assignment } from './experiments/assign-arm.ts';
export { compareArms, type ArmComparison, type ArmSums, type ComparisonOptions } from './experiments/compare-arms.ts';
export { readEvidence, type EvidenceQuestion } from './experiments/read-evidence.ts';
export {
  startRollout,
  stepRollout,
  type Guard,
  type Rollout,
  type RolloutEvent,
  type RolloutEvidence,
  type RolloutPolicy,
  type RolloutStage,
  type RolloutStep,
} from './experiments/rollout.ts';
export { createTrialModel, type TrialModel, type TrialOf, type TrialValue } from './experiments/trial-model.ts';
export {
  createExperimentModel,
  METRICS,
  SHADOW_ARM,
  SLOW_CALL_MS,
  type ExperimentModel,
  type MetricName,
} from './experiments/experiment-model.ts';
export type { Candidate, Experiment, ExperimentSpec, GuardSpec } from './experiments/experiment-spec.ts';
export type { ExperimentCommand, ExperimentInForce, ExperimentReading } from './experiments/experiment-book.ts';
export type { ArmResult, MetricResult } from './experiments/read-results.ts';
export type { ExperimentAnswer, ExperimentSteering } from './learner/experiment-questions.ts';
export { toCallFact, versionedTool, type CallFact } from './cache-advice/call-fact.ts';
export {
  createFreshnessModel,
  type CacheEvidence,
  type CachePlan,
  type FreshnessEvent,
  type FreshnessModel,
  type FreshnessOptions,
  type PlanQuestion,
} from './cache-advice/freshness-model.ts';
export { toCallAttempt, type CallAttempt } from './repair/call-attempt.ts';
export type { ShapeEdit } from './repair/compare-shapes.ts';
export type { SearchDay } from './search/search-quality.ts';
export { listPlans, planAfter, type CallPlansByContext } from './sequences/call-plans.ts';
export {
  patchedDescription,
  proposePatch,
  writeHint,
  type DefinitionPatch,
  type ProposalOptions,
  type SchemaOperation,
} from './repair/propose-patch.ts';
export {
  createRepairModel,
  isRepairOf,
  type Repair,
  type RepairModel,
  type RepairOptions,
  type RepairQuestion,
} from './repair/repair-model.ts';
export { createNextToolModel, type NextToolModel, type StepEvent } from './sequences/next-tool.ts';
export { isSure, type PredictedTool, type PredictionCounts } from './sequences/prediction-tally.ts';
export type { ToldNext } from './learner/next-steps.ts';
export { createFailureModel, toAttemptEvent, type AttemptEvent, type FailureModel } from './outcomes/failure-model.ts';
export { ANOMALY_KINDS, MEASURES, type Anomaly, type AnomalyKind, type Measure, type Verdict } from './behaviour/anomaly.ts';
export { createBehaviourModel, type BehaviourModel, type BehaviourOptions } from './behaviour/behaviour-model.ts';
export type { AnomalyAnswer, AnomalyOpinion, AnomalyQuestion } from './learner/anomaly-questions.ts';
export type { ClientReport } from './surfaces/client-surfaces.ts';
export type { AgentCluster, AgentClusters } from './clusters/session-counts.ts';
export { createSeriesDetector, type SeriesDetector, type SeriesState, type SeriesVerdict } from './anomalies/series-detector.ts';
export { createQuantileForecast, type QuantileForecast, type QuantileForecastOptions } from './outcomes/quantile-forecast.ts';
export { clusterSessions, type ClusterOptions, type SessionCalls, type SessionClusters } from './clusters/cluster-sessions.ts';
