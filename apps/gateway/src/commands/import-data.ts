import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { GatewayError } from '@signalbox/core';
import { importStore } from '@signalbox/storage/transfer';
import { countOf } from '../terminal/text.ts';
import { findCommandStore, requireStopped } from './command-store.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { commandFailure, nothingFound } from './failures.ts';
import { pathExists } from './path-exists.ts';

/** Fills the store from an export. */
export async function importData(
  context: CommandContext,
  options: { readonly file: string; readonly replace?: boolean },
): Promise<ExitCode> {
  const { terminal, cwd } = context;
  const path = resolve(cwd, options.file);
  if (!(await pathExists(path))) throw nothingFound(`There is no file "${path}"`);
  const { dataDir, open } = await findCommandStore(context);
  await requireStopped(dataDir, 'import');
  const store = await open();
  try {
    const { entries, logEntries } = await importStore(store, () => createReadStream(path), { replace: options.replace });
    terminal.answer({ path, entries, logEntries }, () => [
      `${terminal.paint.green('✓')} The store holds ${countOf(entries, 'value')} and ${countOf(logEntries, 'record')} of ${path}`,
    ]);
  } catch (error) {
    if (!(error instanceof GatewayError && error.code === 'CONFLICT')) throw error;
    throw commandFailure(error.message, { cause: error, hint: 'Add --replace to forget what is there; "signalbox backup" keeps it first' });
  } finally {
    await store.close();
  }
  return EXIT.ok;
}
