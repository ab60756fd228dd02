import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '@signalbox/core';
import { SEAL_KEY_BYTES } from '@signalbox/security';

const FILE = 'seal.key';

/**
 * The key that sessions and states of clients are sealed with. It lies in the data folder, readable for its owner alone,
 * so that what was sealed before a restart, or by another gateway with the same folder, still opens. Without a folder it
 * lasts as long as the process.
 * @throws GatewayError `INVALID_CONFIG` when the file holds something else.
 */
export async function readSealKey(dataDir: string | undefined): Promise<Buffer> {
  if (dataDir === undefined) return randomBytes(SEAL_KEY_BYTES);
  const path = join(dataDir, FILE);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, randomBytes(SEAL_KEY_BYTES).toString('base64'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const key = Buffer.from(await readFile(path, 'utf8'), 'base64');
  if (key.length === SEAL_KEY_BYTES) return key;
  throw new GatewayError(
    'INVALID_CONFIG',
    `Cannot use the key in "${path}": it is damaged; remove the file, and clients begin new sessions`,
  );
}
