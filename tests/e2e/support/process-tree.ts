import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All living descendants of a process, itself left out; nothing when it is gone. Reads /proc, so Linux only. */
export function processTree(pid: number): ProcessEntry[] {
  const processes = listProcesses();
  const childrenOf = (parent: number): ProcessEntry[] =>
    processes.flatMap((entry) => (entry.parent === parent ? [entry, ...childrenOf(entry.pid)] : []));
  return childrenOf(pid);
}

/** Processes whose command line contains `text`, whoever their parent is by now. */
export function processesWith(text: string): ProcessEntry[] {
  return listProcesses().filter(({ pid, command }) => pid !== process.pid && command.includes(text));
}

/** Tells whether a process runs; one that has ended and was not collected does not count. */
export function isAlive(pid: number): boolean {
  return readProcess(pid) !== undefined;
}

/** Open file descriptors of a process. */
export function countHandles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Memory in use by a process, in bytes. */
export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kilobytes ?? 0) * 1024;
}

function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((entry) => entry !== undefined);
}

function readProcess(pid: number): ProcessEntry | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may itself hold spaces and brackets.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), command };
  } catch (error) {
    // It ended between being listed and being read.
    if (error instanceof Error && /ENOENT|ESRCH/.test(error.message)) return undefined;
    throw error;
  }
}
