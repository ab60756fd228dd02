import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** A folder that lasts as long as the tests of a file. Returns what gives its path while they run. */
export function temporaryFolder(): () => string {
  let path = '';
  beforeAll(() => {
    path = mkdtempSync(join(tmpdir(), 'signalbox-storage-'));
  });
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return () => path;
}
