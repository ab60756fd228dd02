import { openSync, readFileSync, readlinkSync, readSync } from 'node:fs';

// Nanoseconds on the processor, nanoseconds of waiting for it, turns: Linux, Documentation/scheduler/sched-stats.rst.
const OWN = '/proc/thread-self';
const FIGURES = 'schedstat';
const NS_PER_MS = 1e6;

/**
 * How long the thread that calls this has worked, in milliseconds since any moment: time on a processor where the system tells
 * it, so that a thread that has to wait for one owes no rest for that, else time in which its loop was not idle. May lag by some
 * milliseconds, which come with the next reading. The file stays open as long as the thread.
 */
export function createWorkClock(): () => number {
  const digits = Buffer.alloc(64);
  try {
    const file = openSync(`${OWN}/${FIGURES}`, 'r');
    const read = (): number => Number.parseInt(digits.toString('latin1', 0, readSync(file, digits, 0, digits.length, 0)), 10) / NS_PER_MS;
    // Kernels without these figures have the file and keep zeros in it.
    if (read() > 0) return read;
  } catch {
    // Not Linux, or a system that hides it.
  }
  return () => performance.eventLoopUtilization().active;
}

/** The system's number of the thread that calls this; 0 where it does not tell. */
export function readThreadId(): number {
  try {
    // "<process>/task/<thread>"
    return Number(readlinkSync(OWN).split('/').at(-1));
  } catch {
    return 0;
  }
}

/**
 * How long a thread of this process has waited for a processor, in milliseconds since any moment; 0 where the system does not tell.
 * @param thread As `readThreadId` in that thread.
 */
export function readWaitedMs(thread: number): number {
  if (thread === 0) return 0;
  try {
    return Number(readFileSync(`/proc/self/task/${thread}/${FIGURES}`, 'latin1').split(' ')[1]) / NS_PER_MS;
  } catch {
    return 0;
  }
}
