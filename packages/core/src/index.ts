export { RawJson, isObject } from './raw-json.ts';
export { sinkAbove } from './result-sink.ts';
export type { ResultChange, ResultHead, ResultSink, ResultSource } from './result-sink.ts';
export { Cancellation } from './cancellation.ts';
export { GatewayError, toGatewayError, toMessage } from './errors.ts';
export type { ErrorCode, ErrorData, GatewayErrorOptions, RpcError } from './errors.ts';
export { LOCAL_PRINCIPAL, LOG_LEVELS, OWN_PRINCIPAL, toOutcome, wholly } from './call.ts';
export type {
  Answer,
  Ask,
  Awaitable,
  Call,
  CallerSession,
  ClientProfile,
  Delivered,
  ErrorOutcome,
  Implementation,
  LogLevel,
  Next,
  Notification,
  Outcome,
  Params,
  Priority,
  Question,
  Request,
  ResolvedCall,
  ResultOutcome,
  Stage,
  Target,
  ToolAnnotations,
  ToolDefinition,
} from './call.ts';
export { exactJson, hasExactText, keepExactText } from './exact-json.ts';
export { canonicalJson } from './canonical-json.ts';
export { IDEMPOTENCY_CAPABILITY, IDEMPOTENCY_KEY, parseIdempotencyKey } from './idempotency-key.ts';
export { createPipeline } from './pipeline.ts';
export type { Pipeline } from './pipeline.ts';
export { GATEWAY_LOG_LEVELS } from './log-level.ts';
export type { GatewayLogLevel } from './log-level.ts';
export type {
  Advice,
  AdvisedFallback,
  AdvisedTool,
  AdviceSource,
  AheadAdvice,
  CalledTool,
  CallStep,
  DescriptionTrial,
  FailuresInRow,
  FoundTool,
  LimitTrial,
  NextCalls,
  PlannedCall,
  RankAsking,
  RefusedCall,
  RestrainedCall,
  Restraint,
  SearchCaller,
  SearchTrials,
  SimilarAdvice,
  SimilarJudgement,
  SimilarPair,
  ToolUsage,
} from './advice.ts';
export type { Embedder } from './embedder.ts';
export type { TokenFigures } from './token-figures.ts';
export { UPSTREAM_STATES } from './ports.ts';
export type {
  AnswerCache,
  AttemptAfterFailures,
  ByteSeal,
  Cache,
  CacheTier,
  CacheTierDriver,
  Clock,
  DesiredUpstream,
  Dispatch,
  DocumentStore,
  Journal,
  KeepOptions,
  KeptAnswer,
  LeftOutEntry,
  LineLog,
  LogFields,
  Logger,
  Record,
  RecordPayload,
  Detour,
  FailedAttempt,
  FallbackChoice,
  Seal,
  Snapshot,
  State,
  Status,
  TraceContext,
  UpstreamState,
  UpstreamStatus,
  VirtualServerStatus,
  ComparisonRecord,
  SearchRecord,
  SearchRecordResult,
  ShownRecord,
} from './ports.ts';
export type {
  ListOptions,
  LogEntry,
  LogSpan,
  ReadLogOptions,
  Store,
  StoreChange,
  StoreDriver,
  StoreEntry,
  StoreHealth,
  StoreOperation,
} from './store.ts';
export { systemClock } from './clock.ts';
export { silentLogger } from './logger.ts';
export { selectUpstreams } from './select-upstreams.ts';
export type { UpstreamSelection } from './select-upstreams.ts';
export { createNameMatcher } from './glob.ts';
export { nearestOf } from './nearest.ts';
export { configJsonSchema, configProblems, parseGatewayConfig } from './config/parse-config.ts';
export type { ConfigProblem } from './config/parse-config.ts';
export type { GatewayConfig, IdempotencyConfig, LimitConfig, ListenConfig, LogConfig, SessionConfig } from './config/gateway-config.ts';
export type { LearningConfig } from './config/learning-config.ts';
export type { EmbeddingsConfig } from './config/search-config.ts';
export { ROLES } from './config/seen-config.ts';
export type { AdminConfig, AuditConfig, Role, TelemetryConfig } from './config/seen-config.ts';
export type { CacheConfig, EncryptionConfig, KeySource, StorageConfig } from './config/storage-config.ts';
export { DEFAULT_RESULTS } from './config/results-config.ts';
export type { ResultsConfig, UpstreamResultsConfig } from './config/results-config.ts';
export { pathOf, servedBy } from './config/virtual-server-config.ts';
export type { SurfaceKind, VirtualServerConfig } from './config/virtual-server-config.ts';
export { UPSTREAM_KINDS, isolatedMaxOf, kindOf } from './config/upstream-config.ts';
export type { UpstreamKind } from './config/upstream-config.ts';
export type {
  BreakerConfig,
  ExposureConfig,
  HealthConfig,
  IsolationConfig,
  RestartConfig,
  RetryConfig,
  TimeoutConfig,
  UpstreamCacheConfig,
  UpstreamConfig,
} from './config/upstream-config.ts';
export { missingSecrets, resolveSecret } from './config/secret.ts';
export type { SecretReference, SecretText } from './config/secret.ts';
export { WireWriter } from './wire-writer.ts';
export { LikeCalls } from './like-calls.ts';
