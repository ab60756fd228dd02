export { loadConfig, readConfig, renderProblem } from './desired-state/config-source.ts';
export type { LocatedProblem } from './desired-state/config-source.ts';
export { createDesiredState } from './desired-state/desired-state.ts';
export type { DesiredState, DesiredStateOptions } from './desired-state/desired-state.ts';
export { diffConfig, isEmptyDiff, renderDiff } from './desired-state/diff-config.ts';
export type { ConfigDiff, SettingChange } from './desired-state/diff-config.ts';
export { maskConfig, maskUpstream } from './desired-state/mask-config.ts';
export { createReload } from './desired-state/reload-config.ts';
export type { Reload, ReloadOptions } from './desired-state/reload-config.ts';
export { watchConfig } from './desired-state/watch-config.ts';
export type { WatchConfigOptions } from './desired-state/watch-config.ts';
export { createJournalRing } from './journal-ring.ts';
export type { JournalRing } from './journal-ring.ts';
export { readRuntimeFile, removeRuntimeFile, writeRuntimeFile } from './runtime-file.ts';
export type { RuntimeFile } from './runtime-file.ts';
export { ADMIN_PREFIX } from './contract.ts';
export type {
  CallsBody,
  ConfigBody,
  LogsBody,
  ProblemBody,
  ReloadBody,
  RestartBody,
  StatusBody,
  UpstreamBody,
  UpstreamsBody,
} from './contract.ts';
export { createAdminListener } from './admin/admin-listener.ts';
export type { AdminListener } from './admin/node-listener.ts';
export type { AdminApiOptions } from './admin/admin-api.ts';
export type { AuditPart, CachePart, ChangeRecord, LatencyReading, MonitorPart, MonitorReading, StoragePart } from './parts.ts';
