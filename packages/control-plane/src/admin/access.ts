import { GatewayError, ROLES, type Role } from '@signalbox/core';

const ALL: readonly Role[] = ROLES;
const STEER: readonly Role[] = ['operator', 'owner'];
const AUDIT: readonly Role[] = ['auditor', 'owner'];

/** Who may do what: every operation of the admin API with the roles it is open to. */
export const OPERATION_ROLES = {
  getStatus: ALL,
  listUpstreams: ALL,
  getUpstream: ALL,
  getUpstreamLogs: ALL,
  restartUpstream: STEER,
  getConfig: ALL,
  change: STEER,
  reload: STEER,
  listVersions: ALL,
  getVersion: ALL,
  diffVersions: ALL,
  rollBack: STEER,
  verifyState: ['operator', 'auditor', 'owner'],
  rebuildState: ['owner'],
  listCalls: ALL,
  listAudit: AUDIT,
  verifyAudit: AUDIT,
  exportAudit: AUDIT,
  // Not the owner's: who runs the gateway need not see what passes through it.
  getAuditPayload: ['auditor'],
  getMonitor: ALL,
  takeCpuProfile: STEER,
  takeHeapProfile: STEER,
  getCaches: ALL,
  clearCaches: STEER,
  getStorage: ALL,
  backUpStorage: ['owner'],
  getLearning: ALL,
  explainSearch: ALL,
  listToolInsights: ALL,
  listProposals: ALL,
  listSearchDays: ALL,
  listSequences: ALL,
  listSurfaces: ALL,
  listAnomalies: ALL,
  judgeAnomaly: STEER,
  liftRestraint: STEER,
  listClusters: ALL,
  listModelCommits: ALL,
  diffModelCommits: ALL,
  rollBackModels: STEER,
  tagModels: STEER,
  untagModels: STEER,
  replayLearning: STEER,
  freezeLearning: STEER,
  forgetLearned: ['owner'],
  listExperiments: ALL,
  getExperiment: ALL,
  startExperiment: STEER,
  stopExperiment: STEER,
  freezeExperiment: STEER,
  thawExperiment: STEER,
  removeExperiment: STEER,
  whoAmI: ALL,
  listAccess: AUDIT,
  getEvents: ALL,
  getOpenApi: ALL,
} as const satisfies Record<string, readonly Role[]>;

export type OperationId = keyof typeof OPERATION_ROLES;

/** @throws GatewayError `FORBIDDEN` naming the roles that may. */
export function checkRole(operation: OperationId, { name, role }: { readonly name: string; readonly role: Role }): void {
  const roles: readonly Role[] = OPERATION_ROLES[operation];
  if (roles.includes(role)) return;
  const needed = roles.map((each) => `"${each}"`).join(' or ');
  throw new GatewayError('FORBIDDEN', `"${name}" has the role "${role}", and this takes the role ${needed}`, { data: { role, roles } });
}

/** Operations that are open to a role. */
export function operationsOf(role: Role): OperationId[] {
  return (Object.keys(OPERATION_ROLES) as OperationId[]).filter((each) => (OPERATION_ROLES[each] as readonly Role[]).includes(role));
}
