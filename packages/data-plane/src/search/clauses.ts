import { readRun, runsOf, type Run } from './words.ts';

/** One sentence of a need. */
export interface Clause {
  readonly runs: readonly Run[];
  /** Whether it says enough to ask for something of its own. */
  readonly isRequest: boolean;
}

/** A sentence with fewer words that mean something asks for nothing of its own. */
const MIN_WORDS = 3;
const MAX_CLAUSES = 8;

/**
 * The sentences of a need. A long need asks for several things, and the tools for one of them must not be hidden behind those that
 * have a little to do with all. What is beyond the eighth request joins it.
 */
export function clausesOf(need: string): readonly Clause[] {
  const requests: Run[][] = [];
  const rest: Run[] = [];
  for (const sentence of need.split(/[.?!;\n]+(?=\s|$)/)) {
    const runs = runsOf(sentence).map(readRun);
    if (countWords(runs) < MIN_WORDS) rest.push(...runs);
    else if (requests.length < MAX_CLAUSES) requests.push(runs);
    else requests.at(-1)!.push(...runs);
  }
  const clauses = requests.map((runs) => ({ runs, isRequest: true }));
  return rest.length === 0 ? clauses : [...clauses, { runs: rest, isRequest: false }];
}

function countWords(runs: readonly Run[]): number {
  return new Set(runs.flatMap(({ words }) => words)).size;
}
