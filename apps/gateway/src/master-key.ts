import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { GatewayError, toMessage, type KeySource } from '@signalbox/core';

export interface MasterKeyOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the default key lies, and what files are relative to. */
  readonly dataDir: string | undefined;
}

const FILE = 'master.key';
const KEY_BYTES = 32;
const COMMAND_MS = 30_000;

/**
 * Reads a master key of the sealed store. Without a source it is the one in the data folder, which is made at the first
 * start, readable for its owner alone.
 * @throws GatewayError `INVALID_CONFIG` saying what is wrong with the source; never what it holds.
 */
export async function readMasterKey(source: KeySource | undefined, options: MasterKeyOptions): Promise<Buffer> {
  if (source === undefined) return readDefault(options);
  if ('env' in source) {
    const text = options.environment[source.env];
    if (text === undefined || text === '') throw unusable(`environment variable "${source.env}" is not set`);
    return parseKey(text, `environment variable "${source.env}"`);
  }
  if ('file' in source) return readFileKey(resolve(options.dataDir ?? '.', source.file));
  return readCommandKey(source.command, options);
}

async function readDefault({ dataDir }: MasterKeyOptions): Promise<Buffer> {
  if (dataDir === undefined) throw unusable('there is no data folder to keep one in; name one with "storage.encryption.key"');
  const path = join(dataDir, FILE);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return readFileKey(path);
}

async function readFileKey(path: string): Promise<Buffer> {
  let text: string;
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(`others than its owner may read it; take that away with "chmod 600 ${path}"`);
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw unusable(`the file "${path}" cannot be used: ${toMessage(cause)}`, cause);
  }
  return parseKey(text, `the file "${path}"`);
}

async function readCommandKey([program = '', ...args]: readonly string[], { environment }: MasterKeyOptions): Promise<Buffer> {
  const place = `the command "${program}"`;
  try {
    const { stdout } = await promisify(execFile)(program, args, { env: { ...environment }, timeout: COMMAND_MS, maxBuffer: 65_536 });
    return parseKey(stdout, place);
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    // What it printed may be a key, so its own words stay out of the message.
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no code';
    throw unusable(`${place} failed (${code})`);
  }
}

function parseKey(text: string, place: string): Buffer {
  const trimmed = text.trim();
  const key = /^[0-9a-f]{64}$/i.test(trimmed) ? Buffer.from(trimmed, 'hex') : Buffer.from(trimmed, 'base64');
  if (key.length === KEY_BYTES) return key;
  throw unusable(
    `${place} holds no key: it must be ${KEY_BYTES} bytes as base64 or hexadecimal text, such as "openssl rand -base64 32" prints`,
  );
}

function unusable(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('INVALID_CONFIG', `Cannot read the master key: ${reason}`, { cause });
}
