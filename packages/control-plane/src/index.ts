export { loadConfig, readConfig, renderProblem } from './desired-state/config-source.ts';
export type { LocatedProblem } from './desired-state/config-source.ts';
export { createDesiredState } from './desired-state/desired-state.ts';
export type { DesiredState, DesiredStateOptions } from './desired-state/desired-state.ts';
export { openState } from './recorded-state/open-state.ts';
export type { RecordedStateOptions } from './recorded-state/recorded-state.ts';
export type { Actor, ConfigFile, RequestedOperation } from './recorded-state/plan-change.ts';
export type { ChangeRequest, ChangeResult, History, RecordedState, Reload, RollbackRequest } from './recorded-state/recorded-state.ts';
export { followState } from './recorded-state/follow-state.ts';
export type { FollowedState, FollowStateOptions } from './recorded-state/follow-state.ts';
export type { OwnedEntry } from './recorded-state/read-state.ts';
export type { Path, StateEntry, StateOperation } from './recorded-state/state-entry.ts';
export type { StateAction, StateEvent } from './recorded-state/state-event.ts';
export { hashOf, isSensitive } from './recorded-state/state-log.ts';
export type { StateVerdict } from './recorded-state/state-log.ts';
export { diffConfig, isEmptyDiff, renderDiff } from './desired-state/diff-config.ts';
export type { ConfigDiff, SettingChange } from './desired-state/diff-config.ts';
export { maskConfig, maskUpstream } from './desired-state/mask-config.ts';
export { watchConfig } from './desired-state/watch-config.ts';
export type { WatchConfigOptions } from './desired-state/watch-config.ts';
export { createJournalRing } from './journal-ring.ts';
export type { JournalRing } from './journal-ring.ts';
export { readRuntimeFile, removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts';
export type { RuntimeFile } from './runtime-file.ts';
export { ADMIN_PREFIX } from './contract.ts';
export type {
  AuditBody,
  AuditPayloadBody,
  AuditVerdictBody,
  BackupBody,
  CachesBody,
  CallsBody,
  ChangeBody,
  ClearedBody,
  ConfigBody,
  LogsBody,
  MonitorBody,
  OwnedEntryBody,
  ProblemBody,
  ReloadBody,
  RestartBody,
  StateVerdictBody,
  StatusBody,
  StorageBody,
  UpstreamBody,
  UpstreamsBody,
  VersionBody,
  VersionDiffBody,
  VersionsBody,
  VersionSummary,
} from './contract.ts';
export type {
  AuditEntry,
  AuditPart,
  AuditQuery,
  AuditVerdict,
  CachePart,
  CacheTierReading,
  ChangeRecord,
  LatencyReading,
  MonitorPart,
  MonitorReading,
  ProcessReading,
  ProfileKind,
  StoragePart,
  WorkerReading,
} from './parts.ts';
export type * from './learning-part.ts';
export { createAdminListener, loadAdminApi, loadAdminDocument } from './admin/admin-listener.ts';
export type { AdminListener } from './admin/node-listener.ts';
export type { AdminApi, AdminApiOptions } from './admin/admin-api.ts';
