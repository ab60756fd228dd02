import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GatewayError, toMessage, type KeySource } from '@signalbox/core';

const KEY_BYTES = 32;
const FILE = 'master.key';

export interface MasterKeyOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the key lies when no source is configured; without it such a key lasts as long as the process. */
  readonly dataDir: string | undefined;
  /** Runs a program and returns what it wrote to stdout. */
  readonly run: (program: string, args: readonly string[]) => Promise<string>;
}

/**
 * The key that protects the keys of the sealed store, from where the configuration says, or from a file in the data
 * folder that is made at the first start for its owner alone.
 * @throws GatewayError `INVALID_CONFIG` when it cannot be had, or is no key of 32 bytes. The key is in no message.
 */
export async function readMasterKey(source: KeySource | undefined, { environment, dataDir, run }: MasterKeyOptions): Promise<Buffer> {
  if (source === undefined) return dataDir === undefined ? randomBytes(KEY_BYTES) : readOrMake(join(dataDir, FILE));
  if ('env' in source) {
    const text = environment[source.env];
    if (text === undefined || text === '') throw cannotRead(`the environment variable "${source.env}" is not set`);
    return parse(text, `the environment variable "${source.env}"`);
  }
  if ('file' in source) return readKeyFile(source.file);
  const [program, ...args] = source.command;
  let text: string;
  try {
    text = await run(program!, args);
  } catch (cause) {
    throw cannotRead(`"${program}" failed: ${codeOf(cause) ?? toMessage(cause)}`, cause);
  }
  return parse(text, `what "${program}" printed`);
}

async function readOrMake(path: string): Promise<Buffer> {
  try {
    return await readKeyFile(path);
  } catch (error) {
    if (!(error instanceof GatewayError && codeOf(error.cause) === 'ENOENT')) throw error;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const fresh = `${path}.${randomUUID()}`;
  const file = await open(fresh, 'w', 0o600);
  try {
    await file.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  // The file appears whole or not at all, and another process may have been faster: its key is the one.
  await link(fresh, path).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  await rm(fresh);
  await syncFolder(dirname(path));
  return readKeyFile(path);
}

async function readKeyFile(path: string): Promise<Buffer> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw cannotRead(`"${path}" can be read by others than its owner; run "chmod 600 ${path}"`);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    throw cannotRead(`"${path}": ${toMessage(cause)}`, cause);
  }
  return parse(text, `"${path}"`);
}

function parse(text: string, where: string): Buffer {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  // The decoder passes over what is no base64, so what it made is compared with what was there.
  const isWhole = key.length === KEY_BYTES && [key.toString('hex'), key.toString('base64')].some((form) => isSame(form, trimmed));
  if (isWhole) return key;
  throw cannotRead(`${where} is no key of 32 bytes as base64 or hexadecimal text; make one with "openssl rand -base64 32"`);
}

function isSame(form: string, text: string): boolean {
  return form === text || form === text.toLowerCase() || form.replace(/=+$/, '') === text;
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function cannotRead(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('INVALID_CONFIG', `Cannot read the master key of the store: ${reason}`, { cause });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
