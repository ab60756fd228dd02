import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../../packages/storage/dist/index.js';

const CHILD = fileURLToPath(new URL('../children/sqlite-writer.mjs', import.meta.url));
const SYSCALLS = 'pwrite64,fsync,fdatasync,ftruncate';

/**
 * Kills a process that commits to a file at some moment, again and again, and looks after each time for what was lost.
 * @param {{ file: string, times: number, random: () => number }} options
 */
export async function killWriters({ file, times, random }) {
  const acknowledged = new Map();
  for (let round = 0; round < times; round++) {
    const child = spawn(process.execPath, [CHILD, file, '16', '1000000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = listen(child);
    await said.first;
    await delay(random() * 150);
    child.kill('SIGKILL');
    await said.ended;
    for (const [key, sequence] of said.acknowledged) acknowledged.set(key, sequence);
    await checkStore(file, acknowledged);
  }
  return { acknowledged: acknowledged.size };
}

/**
 * Lets the n-th write, sync or truncation of a process that commits to a file fail, and looks afterwards whether the file
 * opens clean, with everything that was acknowledged and nothing half.
 * @param {{ file: string, n: number, error: string, isLasting: boolean }} options
 */
export async function failNth({ file, n, error, isLasting }) {
  const inject = `inject=${SYSCALLS}:error=${error}:when=${n}${isLasting ? '+' : ''}`;
  const args = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${SYSCALLS}`, '-e', inject, process.execPath, CHILD, file, '4', '150'];
  const child = spawn('strace', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = listen(child);
  const code = await said.ended;
  const unexpected = said.failed.filter((failure) => failure !== 'STORE_UNAVAILABLE');
  if (code !== 0 || unexpected.length > 0)
    throw new Error(`The writer ended with ${code}, and failed with ${unexpected.join(', ')}: ${said.stderr}`);
  await checkStore(file, said.acknowledged);
  return { acknowledged: said.acknowledged.size, failed: said.failed.length };
}

/** @throws Error when something that was acknowledged is not there, or half of something is. */
async function checkStore(file, acknowledged) {
  const store = await openStore({ url: `sqlite:${file}`, namespace: 'signalbox', dataDir: undefined });
  try {
    const { first, last } = await store.span('log');
    const log = await store.read('log', { limit: 10_000_000 });
    const entries = await store.list('entries', { limit: 10_000_000 });
    if (log.length !== last - first + 1 || log.some(({ sequence }, index) => sequence !== index + 1)) throw new Error('The log has gaps');
    if (log.length !== entries.length) throw new Error(`There are ${log.length} records and ${entries.length} entries: half a commit`);
    const keys = new Set(entries.map(({ key }) => key));
    const names = log.map(({ value }) => value.toString().replace(/\.+$/, ''));
    for (const name of names) if (!keys.has(name)) throw new Error(`Half of commit "${name}" is there`);
    for (const [key, sequence] of acknowledged)
      if (names[sequence - 1] !== key) throw new Error(`Commit "${key}" was acknowledged as ${sequence} and is lost`);
  } finally {
    await store.close();
  }
}

function listen(child) {
  const said = { acknowledged: new Map(), failed: [], stderr: '' };
  let rest = '';
  const { promise: first, resolve } = withResolvers();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const [kind, what, sequence] = line.split(' ');
      if (kind === 'acknowledged') said.acknowledged.set(what, Number(sequence));
      else said.failed.push(what);
    }
    resolve();
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => (said.stderr += text));
  const ended = once(child, 'close').then(([code]) => {
    resolve();
    return code;
  });
  return Object.assign(said, { first, ended });
}

function withResolvers() {
  let resolve;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
