import { resolve } from 'node:path';
import { restoreBackup, restoreBackupInto, verifyBackup, type RestoredBackup } from '@signalbox/storage/transfer';
import { findCommandStore, requireStopped, type CommandStore } from './command-store.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { nothingFound, usageError } from './failures.ts';
import { pathExists } from './path-exists.ts';

export interface RestoreCommandOptions {
  readonly folder: string;
  readonly yes?: boolean;
}

/** Puts a backup in the place of the store. */
export async function restore(context: CommandContext, { folder, yes = false }: RestoreCommandOptions): Promise<ExitCode> {
  const { terminal, cwd } = context;
  const path = resolve(cwd, folder);
  if (!(await pathExists(path))) throw nothingFound(`There is no backup "${path}"`);
  const target = await findCommandStore(context);
  await requireStopped(target.dataDir, 'restore');
  const { createdAt } = await verifyBackup(path);
  // A server's store has no copy that could be set aside.
  if (target.file === undefined && !yes) {
    if (!terminal.isInteractive || terminal.isJson)
      throw usageError('Cannot ask before everything in the store is replaced: this is no terminal', 'Add --yes to replace it');
    if (!(await terminal.confirm(`Replace everything in the store by the backup of ${createdAt}?`))) return EXIT.ok;
  }
  const { aside } = await putBack(path, target);
  terminal.answer({ path, createdAt, aside: aside ?? null }, () => [
    `${terminal.paint.green('✓')} The store is as it was at ${createdAt}`,
    ...(aside === undefined ? [] : [`The one of before lies at ${aside}; remove it when it is not needed`]),
  ]);
  return EXIT.ok;
}

async function putBack(path: string, { file, open }: CommandStore): Promise<RestoredBackup> {
  if (file !== undefined) return restoreBackup({ path, file });
  const store = await open();
  try {
    return await restoreBackupInto(store, { path });
  } finally {
    await store.close();
  }
}
