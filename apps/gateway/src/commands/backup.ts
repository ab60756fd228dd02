import { resolve } from 'node:path';
import { GatewayError } from '@signalbox/core';
import { backupStore } from '@signalbox/storage/transfer';
import { openCommandStore } from './command-store.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { usageError } from './failures.ts';

/** Writes a backup of the store to a new folder, also while a gateway uses it. */
export async function backup(context: CommandContext, options: { readonly folder?: string | undefined }): Promise<ExitCode> {
  const { terminal, cwd } = context;
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  const path = resolve(cwd, options.folder ?? `signalbox-backup-${time}`);
  const store = await openCommandStore(context);
  try {
    const manifest = await backupStore(store, path);
    terminal.answer({ path, ...manifest }, () => [
      `${terminal.paint.green('✓')} ${path} holds a backup of ${Math.ceil(manifest.bytes / 1024)} KiB`,
      `Put it back with "signalbox restore ${path}". Keep the master key too, and elsewhere: without it, what is sealed stays closed.`,
    ]);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'CONFLICT') throw usageError(error.message, 'Name a folder that is not there yet');
    throw error;
  } finally {
    await store.close();
  }
  return EXIT.ok;
}
