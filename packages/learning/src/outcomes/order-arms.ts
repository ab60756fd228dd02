/** What is known of a tool that may answer in place of others. Counts may be fractions: what is old weighs less. */
export interface ArmCounts {
  readonly calls: number;
  readonly failed: number;
}

export interface OrderedArm extends ArmCounts {
  /** Where it stood among those that were asked for. */
  readonly place: number;
  /** Probability with which it is the best, as far as is known; 0 for one that is held back. */
  readonly share: number;
  /** Mean of what is known of its success, from 0 to 1. */
  readonly success: number;
  /** Much worse than the best beyond doubt: it is tried last. */
  readonly isHeldBack: boolean;
}

/** So many draws tell how likely each is the best. */
const DRAWS = 200;
/** How much worse, in share of successes, one may be before it is held back. */
const MARGIN = 0.1;
/** Standard errors between two before one counts as worse than the other. */
const ERRORS = 2.5;
const LEAST_CALLS = 10;

/**
 * Orders equivalent tools, best first. How likely each is the best is what Thompson sampling would draw it by, from
 * Beta(1 + successes, 1 + failures), so that who knows little of one tries it out now and then. The same for the same counts.
 */
export function orderArms(counts: readonly ArmCounts[]): readonly OrderedArm[] {
  const known = counts.map(({ calls, failed }, place) => ({ place, calls, failed, success: (calls - failed + 1) / (calls + 2) }));
  const tried = known.filter(({ calls }) => calls >= LEAST_CALLS);
  const best = tried.toSorted((one, other) => other.success - one.success)[0];
  const isHeldBack = (arm: Known) => best !== undefined && arm.calls >= LEAST_CALLS && isMuchWorse(arm, best);
  const open = known.filter((arm) => !isHeldBack(arm));
  const firsts = countFirsts(open);
  const shareOf = (arm: Known) => (firsts.get(arm.place) ?? 0) / (DRAWS + open.length);
  return known
    .map((arm) => ({ ...arm, share: shareOf(arm), isHeldBack: isHeldBack(arm) }))
    .toSorted((one, other) => Number(one.isHeldBack) - Number(other.isHeldBack) || other.success - one.success || one.place - other.place);
}

type Known = Omit<OrderedArm, 'share' | 'isHeldBack'>;

function isMuchWorse(arm: Known, best: Known): boolean {
  const variance = ({ success, calls }: Known) => (success * (1 - success)) / (calls + 3);
  return best.success - arm.success - MARGIN > ERRORS * Math.sqrt(variance(arm) + variance(best));
}

/** How often each draws the highest, by its place. */
function countFirsts(arms: readonly Known[]): ReadonlyMap<number, number> {
  const random = createRandom(arms.map(({ calls, failed }) => `${calls}/${failed}`).join(' '));
  // Nobody's chance is quite nothing: what is recorded of it is divided by.
  const firsts = new Map(arms.map(({ place }) => [place, 1]));
  for (let draw = 0; draw < DRAWS; draw++) {
    let [best, most] = [-1, -1];
    for (const arm of arms) {
      const value = drawBeta(arm, random);
      if (value > most) [best, most] = [arm.place, value];
    }
    if (best >= 0) firsts.set(best, firsts.get(best)! + 1);
  }
  return firsts;
}

function drawBeta({ calls, failed }: Known, random: () => number): number {
  const good = drawGamma(Math.max(0, calls - failed) + 1, random);
  return good / (good + drawGamma(Math.max(0, failed) + 1, random));
}

// Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", 2000; for shapes from 1 on.
function drawGamma(shape: number, random: () => number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const value = (1 + c * normal) ** 3;
    if (value > 0 && Math.log(1 - random()) < 0.5 * normal * normal + d - d * value + d * Math.log(value)) return d * value;
  }
}

/** Mulberry32, begun with the FNV-1a hash of a text. */
function createRandom(text: string): () => number {
  let state = 0x81_1c_9d_c5;
  for (let index = 0; index < text.length; index++) state = Math.imul(state ^ text.charCodeAt(index), 0x01_00_01_93);
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
