import { error, ok, warn, type Finding } from './finding.ts';

const OLDEST = [20, 19] as const;

// End of life of the long-term releases, from https://github.com/nodejs/release#release-schedule. Months count from 0.
const ENDS: ReadonlyMap<number, number> = new Map([
  [20, Date.UTC(2026, 3, 30)],
  [22, Date.UTC(2027, 3, 30)],
  [24, Date.UTC(2028, 3, 30)],
  [26, Date.UTC(2029, 3, 30)],
]);

/** Whether this Node is new enough and still gets security fixes. */
export function checkNode(version: string, nowMs: number): Finding {
  const subject = 'node';
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return error(subject, `Node ${version} is too old`, `Install Node ${OLDEST.join('.')} or later`);
  }
  const end = ENDS.get(major);
  if (major % 2 === 1)
    return warn(subject, `Node ${version} is no long-term release`, 'Install an even-numbered Node for lasting security fixes');
  if (end === undefined || nowMs < end) return ok(subject, `Node ${version}`);
  const day = new Date(end).toISOString().slice(0, 10);
  return warn(subject, `Node ${version} gets no security fixes since ${day}`, `Install Node ${newestOf(nowMs)} or later`);
}

function newestOf(nowMs: number): number {
  return Math.min(...[...ENDS].filter(([, end]) => end > nowMs).map(([major]) => major), 28);
}
