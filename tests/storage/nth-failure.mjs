#!/usr/bin/env node
// Lets the n-th write of a SQLite store fail, for each n: node tests/storage/nth-failure.mjs [--from 1] [--to 500]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { failNth } from './support/sqlite-faults.mjs';

const { values } = parseArgs({ options: { from: { type: 'string', default: '1' }, to: { type: 'string', default: '500' } } });
const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-nth-'));
const sums = { acknowledged: 0, failed: 0 };
let clean = 0;
for (let n = Number(values.from); n <= Number(values.to); n++) {
  const file = path.join(folder, `${n}.db`);
  try {
    const { acknowledged, failed } = await failNth({ file, n, error: n % 2 === 0 ? 'EIO' : 'ENOSPC', isLasting: n % 3 === 0 });
    sums.acknowledged += acknowledged;
    sums.failed += failed;
    clean += 1;
  } catch (error) {
    process.exitCode = 1;
    console.log(`n = ${n}: ${error.message}`);
  }
  if (n % 50 === 0) console.log(`n = ${n}: ${clean} clean, ${sums.acknowledged} commits acknowledged, ${sums.failed} refused`);
}
console.log(`${clean} of ${Number(values.to) - Number(values.from) + 1} clean`);
rmSync(folder, { recursive: true, force: true });
