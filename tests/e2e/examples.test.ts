import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const EXAMPLES = path.resolve(import.meta.dirname, '../../examples');
const checks = readdirSync(EXAMPLES).filter((name) => existsSync(path.join(EXAMPLES, name, 'check.mjs')));

beforeAll(() => {
  try {
    execFileSync('python3', ['--version']);
  } catch (cause) {
    throw new Error('An example is written in Python, and there is no python3 here. Install it: apt-get install python3', { cause });
  }
});

test('there are examples that check themselves', () => {
  expect(checks).toEqual(expect.arrayContaining(['mounted', 'python-server', 'tool-in-ten-lines']));
});

test.each(checks)('the example "%s" does what it says', async (name) => {
  const { stdout } = await promisify(execFile)(process.execPath, [path.join(EXAMPLES, name, 'check.mjs')], { timeout: 50_000 });
  expect(stdout).toMatch(/^ok: /m);
});
