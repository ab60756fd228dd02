import { randomUUID } from 'node:crypto';
import { constants, copyFile, mkdir, open, readFile, realpath, rename, rm, stat, chmod } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GatewayError } from '@signalbox/core';
import { isMissing } from './read-config-file.ts';

export interface WriteOptions {
  /** The text the new one was made from; `undefined` for a file that was not there. When given, a file changed since is left alone. */
  readonly expected?: { readonly text: string | undefined };
  readonly now?: () => Date;
}

// A configuration may hold secrets, so a file we create is for its owner only.
const NEW_FILE_MODE = 0o600;

/**
 * Replaces a configuration file at once, never half: readers see the old text or the new one. Keeps the file’s mode, follows symbolic links,
 * and first copies the old file beside itself.
 * @returns The path of that copy; undefined when there was no file or its text is the same.
 * @throws GatewayError `CONFLICT` when the file is not what `expected` says.
 */
export async function writeConfigFile(path: string, text: string, options: WriteOptions = {}): Promise<string | undefined> {
  const current = await textOf(path);
  if (options.expected !== undefined && options.expected.text !== current) {
    throw new GatewayError('CONFLICT', `Cannot write "${path}": it has changed in the meantime; run the command again`, { data: { path } });
  }
  if (current === text) return undefined;
  if (current === undefined) {
    await mkdir(dirname(path), { recursive: true });
    await replace(path, text, NEW_FILE_MODE);
    return undefined;
  }
  const target = await realpath(path);
  const mode = (await stat(target)).mode & 0o7777;
  const backup = await backUp(target, mode, options.now?.() ?? new Date());
  await replace(target, text, mode);
  return backup;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function backUp(path: string, mode: number, now: Date): Promise<string> {
  const stamp = now.toISOString().replace(/[:.]/g, '-');
  for (let attempt = 0; attempt < 100; attempt++) {
    const backup = `${path}.${stamp}${attempt === 0 ? '' : `-${attempt}`}.bak`;
    try {
      await copyFile(path, backup, constants.COPYFILE_EXCL);
      await chmod(backup, mode);
      return backup;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
  throw new GatewayError('CONFLICT', `Cannot back up "${path}": too many copies of the same moment beside it`, { data: { path } });
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      // The umask may have taken bits from the mode given to open.
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
