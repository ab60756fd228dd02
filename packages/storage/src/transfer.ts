export { backupStore, verifyBackup } from './transfer/backup.ts';
export type { BackupManifest } from './transfer/backup.ts';
export { exportStore } from './transfer/export-store.ts';
export type { ExportSummary } from './transfer/export-format.ts';
export { importStore, verifyExport } from './transfer/import-store.ts';
export type { ImportOptions } from './transfer/import-store.ts';
export { restoreBackup, restoreBackupInto } from './transfer/restore.ts';
export type { RestoreBackupOptions, RestoredBackup } from './transfer/restore.ts';
