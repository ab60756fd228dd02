import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const TASKSET = findTaskset();
const running = new Set();

/** Core of the load generator and the upstreams, and core of what is measured; nothing where they cannot be pinned. */
export const CORES = TASKSET !== undefined && availableParallelism() > 1 ? { load: 0, measured: 1 } : undefined;

/** Puts this process on the core of the load. */
export function pinSelf() {
  if (CORES !== undefined) spawnSync(TASKSET, ['-acp', String(CORES.load), String(process.pid)], { stdio: 'ignore' });
}

/** Frees this process and what it starts from its core: for what is about the whole machine. */
export function unpinSelf() {
  if (CORES !== undefined) spawnSync(TASKSET, ['-acp', `0-${availableParallelism() - 1}`, String(process.pid)], { stdio: 'ignore' });
}

/** A command as it must be written to run on a core. Without a core it is returned as it is. */
export function pinned([command, ...args], core) {
  return core === undefined ? [command, ...args] : [TASKSET, '-c', String(core), command, ...args];
}

/**
 * Starts a program and waits for the first line on stdout that matches.
 * @param {string[]} command
 * @param {{ core?: number, ready: RegExp, timeoutMs?: number, cwd?: string }} options
 */
export async function start(command, { core, ready, timeoutMs = 20_000, cwd }) {
  const [program, ...args] = pinned(command, core);
  const startedAt = performance.now();
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  const exited = new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  }).finally(() => running.delete(child));
  let stdout = '';
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-10_000)));

  const match = await new Promise((resolve, reject) => {
    // After `resolve` this does nothing: an ended child is no failure then, and cannot be killed.
    const fail = (why) => {
      child.kill('SIGKILL');
      reject(new Error(`${command.join(' ')} ${why}\n${stdout}${stderr}`));
    };
    const timer = setTimeout(() => fail(`was not ready in ${timeoutMs} ms`), timeoutMs);
    child.on('error', (error) => fail(`could not be started: ${error.message}`));
    child.on('exit', () => fail('ended before it was ready'));
    child.stdout.setEncoding('utf8').on('data', (text) => {
      stdout = (stdout + text).slice(-10_000);
      const found = ready.exec(stdout);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found);
    });
  });

  return {
    pid: child.pid,
    match,
    startedAt,
    readyMs: performance.now() - startedAt,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Kills whatever still runs. For the end of the whole run. */
export function stopAll() {
  for (const child of running) child.kill('SIGKILL');
}

/** Processor time a process has used in all its threads, in microseconds. */
export function cpuMicroseconds(pid) {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'latin1').split(' ')[0]);
  }
  return nanoseconds / 1000;
}

/** Resident memory of a process, in KiB. */
export function residentKib(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
}

/** Memory a process has to itself plus its share of what others use too, in KiB. */
export function proportionalKib(pid) {
  return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))[1]);
}

/** Ids of all living descendants of a process. */
export function descendantsOf(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = parentOf(name);
    if (parent !== undefined) parents.set(Number(name), parent);
  }
  const childrenOf = (id) => [...parents].flatMap(([child, parent]) => (parent === id ? [child, ...childrenOf(child)] : []));
  return childrenOf(pid);
}

/** Share of the machine's cores that was busy between two calls of the returned function, from 0 to 1. */
export function watchMachine() {
  let last = readLoad();
  return () => {
    const now = readLoad();
    const share = (now.busy - last.busy) / Math.max(1, now.all - last.all);
    last = now;
    return share;
  };
}

function readLoad() {
  const fields = readFileSync('/proc/stat', 'latin1').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const all = fields.reduce((sum, field) => sum + field, 0);
  return { all, busy: all - fields[3] - fields[4] };
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    // It ended between being listed and being read.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}

function findTaskset() {
  const { status, stdout } = spawnSync('which', ['taskset'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
