import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { exportStore, verifyExport } from '@signalbox/storage/transfer';
import { countOf } from '../terminal/text.ts';
import { openCommandStore } from './command-store.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { usageError } from './failures.ts';
import { pathExists } from './path-exists.ts';

/** Writes everything in the store to one file that any other store can be filled from. */
export async function exportData(context: CommandContext, options: { readonly file: string }): Promise<ExitCode> {
  const { terminal, cwd } = context;
  const path = resolve(cwd, options.file);
  if (await pathExists(path))
    throw usageError(`Cannot write to "${path}": there is something already`, 'Name a file that is not there yet');
  const store = await openCommandStore(context);
  const partial = `${path}.partial`;
  try {
    const file = await open(partial, 'w', 0o600);
    try {
      for await (const chunk of exportStore(store)) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    const { createdAt, entries, logEntries, sha256 } = await verifyExport(createReadStream(partial));
    await rename(partial, path);
    terminal.answer({ path, createdAt, entries, logEntries, sha256 }, () => [
      `${terminal.paint.green('✓')} ${path} holds ${countOf(entries, 'value')} and ${countOf(logEntries, 'record')}`,
    ]);
  } finally {
    await rm(partial, { force: true });
    await store.close();
  }
  return EXIT.ok;
}
