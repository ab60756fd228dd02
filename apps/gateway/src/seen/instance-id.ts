import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GatewayError } from '@signalbox/core';

const FILE = 'instance.id';
const ID = /^[0-9a-f]{12}$/;

/**
 * Tells this gateway from others that share a store with it. It lies in the data folder, so that a gateway is the same after
 * a restart; without a folder it lasts as long as the process.
 * @throws GatewayError `INVALID_CONFIG` when the file holds something else.
 */
export async function readInstanceId(dataDir: string | undefined): Promise<string> {
  const fresh = randomBytes(6).toString('hex');
  if (dataDir === undefined) return fresh;
  const path = join(dataDir, FILE);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    await writeFile(path, `${fresh}\n`, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  // Another process may have made the file and not have written it yet.
  for (let looks = 0; looks < 50; looks++) {
    const id = (await readFile(path, 'utf8')).trim();
    if (ID.test(id)) return id;
    if (id !== '') break;
    await new Promise((resolve) => void setTimeout(resolve, 10));
  }
  throw new GatewayError(
    'INVALID_CONFIG',
    `Cannot use the id in "${path}": it is damaged; remove the file, and the audit begins a new chain`,
  );
}
