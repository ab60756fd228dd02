export interface Assignment {
  readonly experiment: string;
  /** Who or what keeps its arm: the principal's or the session's keyed hash. */
  readonly unit: string;
  /** Share of units that get the candidate, from 0 to 1. A unit that has it keeps it while the share grows. */
  readonly share: number;
}

/** @returns the arm of a unit; always the same for the same experiment, and independent between experiments. */
export function assignArm({ experiment, unit, share }: Assignment): 'control' | 'candidate' {
  return positionOf(experiment, unit) < share ? 'candidate' : 'control';
}

/** A place in [0, 1) by FNV-1a with the finish of MurmurHash3, without which names that differ at their end alone lie side by side. */
function positionOf(experiment: string, unit: string): number {
  const text = `${experiment.length}:${experiment}:${unit}`;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

/**
 * Whether arms got as many units as their share says. Where they did not, something lets one arm's units get lost, and no comparison
 * of them means anything. Lenient enough, at five standard errors, to be asked at every look.
 */
export function isBalanced({
  control,
  candidate,
  share,
}: {
  readonly control: number;
  readonly candidate: number;
  readonly share: number;
}): boolean {
  const total = control + candidate;
  return Math.abs(candidate - total * share) <= 5 * Math.sqrt(total * share * (1 - share)) + 1;
}
