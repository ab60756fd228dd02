import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '@signalbox/core';

/** How a command on this machine finds and reaches the running gateway. */
export interface RuntimeFile {
  readonly pid: number;
  /** Where clients reach the gateway; `null` while it serves a single client over stdio. */
  readonly url: string | null;
  readonly adminUrl: string;
  /** Opens the admin API. The file is readable by its owner alone for its sake. */
  readonly token: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** `null` when the gateway runs without a configuration file. */
  readonly configPath: string | null;
}

/** Tells commands where the gateway is. The last one to write wins. */
export async function writeRuntimeFile(dataDir: string, content: RuntimeFile): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const temporary = join(dataDir, `gateway.${randomUUID()}.tmp`);
  try {
    // A new file each time: one that is there already would keep its mode.
    await writeFile(temporary, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600, flag: 'wx' });
    await rename(temporary, pathIn(dataDir));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** @returns where the gateway is, or `undefined` when none runs: no file, one that cannot be understood, or one whose process is gone. */
export async function readRuntimeFile(dataDir: string): Promise<RuntimeFile | undefined> {
  const content = await readContent(dataDir);
  return content !== undefined && isRunning(content.pid) ? content : undefined;
}

/** Removes the file unless another gateway has written its own meanwhile. */
export async function removeRuntimeFile(dataDir: string, pid: number): Promise<void> {
  const content = await readContent(dataDir);
  if (content === undefined || content.pid === pid) await rm(pathIn(dataDir), { force: true });
}

async function readContent(dataDir: string): Promise<RuntimeFile | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(pathIn(dataDir), 'utf8'));
    return isRuntimeFile(content) ? content : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return undefined;
    throw error;
  }
}

function isRuntimeFile(content: unknown): content is RuntimeFile {
  if (!isObject(content)) return false;
  const { pid, url, adminUrl, token, startedAt, configPath } = content;
  const isText = [adminUrl, token, startedAt].every((value) => typeof value === 'string');
  const isTextOrNull = [url, configPath].every((value) => typeof value === 'string' || value === null);
  return isText && isTextOrNull && typeof pid === 'number' && Number.isInteger(pid) && pid > 0;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, but for someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function pathIn(dataDir: string): string {
  return join(dataDir, 'gateway.json');
}
