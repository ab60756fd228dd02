// Plain JavaScript without dependencies: the guard runs it as it is, from sources and from a build alike.
import { readFile, readdir } from 'node:fs/promises';

const POLL_MS = 25;

/**
 * Ends a process with all its descendants: those in its group, and those that left it but still carry its mark in their
 * environment. Asks first, kills after `graceMs`, and resolves when nothing is left or `giveUpMs` after the kill.
 * @param {{ pid: number, startedAt: string | undefined, mark: string }} tree
 * @param {{ graceMs: number, giveUpMs: number }} budget
 * @returns {Promise<number>} how many processes were still there at the end.
 */
export async function endTree(tree, budget) {
  let left = await findTree(tree);
  if (left.length === 0) return 0;
  signalAll(left, 'SIGTERM');
  left = await waitForEnd(tree, budget.graceMs);
  // A process may be born while its parent is being killed, so kill until none is found.
  for (const end = performance.now() + budget.giveUpMs; left.length > 0 && performance.now() < end; left = await findTree(tree)) {
    signalAll(left, 'SIGKILL');
    await wait(POLL_MS);
  }
  return left.length;
}

/**
 * The living processes of a tree. Where there is no /proc, only whether the group has members can be told, as `[-pid]`.
 * @param {{ pid: number, startedAt: string | undefined, mark: string }} tree
 * @returns {Promise<number[]>}
 */
export async function findTree({ pid, startedAt, mark }) {
  // Group 0 is everybody whose group lies outside our view; 1 is the system's own.
  if (!Number.isInteger(pid) || pid <= 1 || mark === '') return [];
  const entries = await listProcesses();
  if (entries === undefined) return isAlive(-pid) ? [-pid] : [];
  // A group's number is not given out again while it has members, unless its leader is a stranger by now.
  const leader = await readStat(pid);
  const ownsGroup = leader === undefined || startedAt === undefined || leader.startedAt === startedAt;
  const found = await Promise.all(
    entries.map(async (entry) => {
      const stat = await readStat(entry);
      if (stat === undefined || stat.isDead || entry === process.pid) return undefined;
      return (ownsGroup && stat.group === pid) || (await hasMark(entry, mark)) ? entry : undefined;
    }),
  );
  return found.filter((entry) => entry !== undefined);
}

/**
 * When a process was started, in the kernel's own unit: together with its number it names a process for good.
 * @param {number} pid
 * @returns {Promise<{ startedAt: string, group: number, isDead: boolean } | undefined>}
 */
export async function readStat(pid) {
  const text = await readText(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The second field is the command's name in brackets and may hold anything, brackets included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { startedAt: fields[19] ?? '', group: Number(fields[2]), isDead: fields[0] === 'Z' || fields[0] === 'X' };
}

async function hasMark(pid, mark) {
  const environment = await readText(`/proc/${pid}/environ`);
  return environment !== undefined && environment.includes(mark);
}

async function listProcesses() {
  if (process.platform !== 'linux') return undefined;
  const names = await readdir('/proc');
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function waitForEnd(tree, ms) {
  const end = performance.now() + ms;
  for (;;) {
    const left = await findTree(tree);
    if (left.length === 0 || performance.now() >= end) return left;
    await wait(POLL_MS);
  }
}

function signalAll(pids, signal) {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
    }
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

// A process that ended meanwhile, or that belongs to somebody else, has nothing for us to read.
async function readText(path) {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return undefined;
  }
}

function wait(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
