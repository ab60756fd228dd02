export { SEAL_KEY_BYTES, createByteSeal, createSeal } from './seal.ts';
export { createAudit } from './audit/audit.ts';
export type { Audit, AuditOptions, AuditVerdict, KnownRecord } from './audit/audit.ts';
export type { AuditChange, AuditEntry } from './audit/audit-entry.ts';
export type { AuditPage, AuditQuery } from './audit/list-entries.ts';
