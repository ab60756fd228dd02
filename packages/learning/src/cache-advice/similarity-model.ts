import type { Model, ModelState, TableSpec } from '../model.ts';
import { createCountTable } from './count-table.ts';
import type { ArgumentDifference } from './compare-arguments.ts';
import { defaultConfidence, upperBound } from './wrong-bound.ts';

/** Two calls of one tool whose results have been compared, both from upstream: a shadow comparison, or a hit that was checked. */
export interface ComparedCalls {
  /** The tool's name with its upstream and the version of its definition. */
  readonly tool: string;
  readonly difference: ArgumentDifference;
  /** Whether the results agreed. */
  readonly isSame: boolean;
}

export interface ReuseQuestion {
  readonly tool: string;
  readonly difference: ArgumentDifference;
  /** Largest share of wrong answers among those served, as the operator set it: 0.02. */
  readonly maxWrong: number;
}

export interface ReuseAnswer {
  readonly isServed: boolean;
  /** The share of wrong answers lies below with the model's confidence; 1 where nothing is known. */
  readonly wrongBound: number;
  /** Comparisons that it rests on, without what was taken for granted beforehand. */
  readonly evidence: number;
  /** Share of the hits that should be checked: all until the tool itself has shown enough, then ever fewer, one in fifty at least. */
  readonly checkShare: number;
  readonly reason:
    | 'equal'
    | 'same edit was the same before'
    | 'kind of edit'
    | 'differed before'
    | 'too little evidence'
    | 'not comparable';
}

export interface SimilarityModel extends Model<ComparedCalls> {
  /** Another one after each change. */
  readonly revision: number;
  /** May the one be answered with the other's result? Not without the tool being held for a reading one, which is asked elsewhere. */
  readonly judge: (question: ReuseQuestion) => ReuseAnswer;
}

export interface SimilarityOptions {
  /** With which a bound holds. Default 0.95. */
  readonly confidence?: number;
  /** Comparisons in its favour that a kind of edit begins with, all agreeing; instead of the usual ones. An empty map takes nothing for granted. */
  readonly taken?: ReadonlyMap<string, number>;
  readonly maxTools?: number;
  readonly maxDetails?: number;
}

/**
 * Learns which differences between arguments leave the result as it is. What it bounds: for each kind of edit, with the stated
 * confidence, the share of wrong answers among calls that differ by it, over tools; where a tool has shown otherwise, that tool's own
 * evidence must do. Kinds that mean the same in most tools begin with some comparisons in their favour, and lose them by failing.
 */
export function createSimilarityModel(options: SimilarityOptions = {}): SimilarityModel {
  const confidence = options.confidence ?? defaultConfidence;
  const taken = options.taken ?? commonlyTaken;
  const kinds = createCountTable({ columns: 2, maxRows: 1_000 });
  const tools = createCountTable({ columns: 2, maxRows: options.maxTools ?? 2_000 });
  const details = createCountTable({ columns: 2, maxRows: options.maxDetails ?? 5_000 });
  let revision = 0;

  const boundOfKind = (tool: string, kind: string): number => {
    const [toolSame, toolDifferent] = tools.get(`${tool}|${kind}`);
    // One failure in a tool outweighs what other tools have shown.
    const ownBound = upperBound({ failures: toolDifferent!, trials: toolSame! + toolDifferent! }, confidence);
    if (toolDifferent! > 0) return ownBound;
    const [same, different] = kinds.get(kind);
    // And what it has shown itself outweighs failures in others.
    const bound = Math.min(ownBound, upperBound({ failures: different!, trials: same! + different! + (taken.get(kind) ?? 0) }, confidence));
    // What has not failed itself may borrow from its family: an omitted 0 from omitted words and lists.
    const family = familyOf(kind);
    if (family === undefined || different! > 0 || same! < minOwn) return bound;
    const [familySame, familyDifferent] = kinds.get(family);
    return Math.min(bound, upperBound({ failures: familyDifferent!, trials: familySame! + familyDifferent! }, confidence));
  };

  const weigh = ({ tool, difference: { kind, detail }, maxWrong }: ReuseQuestion): Omit<ReuseAnswer, 'checkShare'> => {
    if (kind === undefined) return { isServed: false, wrongBound: 1, evidence: 0, reason: 'not comparable' };
    const [same, different] = details.get(`${tool}|${detail}`);
    if (different! > 0) {
      return {
        isServed: false,
        wrongBound: upperBound({ failures: different!, trials: same! + different! }, confidence),
        evidence: same! + different!,
        reason: 'differed before',
      };
    }
    const repeated = kind !== '' && same! >= minRepeats ? boundOfKind(tool, 'repeated') : 1;
    let byKind = 0;
    let evidence = same!;
    for (const part of partsOf(kind)) {
      byKind += boundOfKind(tool, part);
      evidence += kinds.get(part)[0]!;
    }
    const wrongBound = Math.min(1, byKind, repeated);
    if (wrongBound > maxWrong) return { isServed: false, wrongBound, evidence, reason: 'too little evidence' };
    return {
      isServed: true,
      wrongBound,
      evidence,
      reason: kind === '' ? 'equal' : byKind <= repeated ? 'kind of edit' : 'same edit was the same before',
    };
  };

  const observe = ({ tool, difference: { kind, detail }, isSame }: ComparedCalls): void => {
    if (kind === undefined) return;
    revision++;
    const step = isSame ? [1, 0] : [0, 1];
    const seen = details.get(`${tool}|${detail}`);
    const learned = isSame ? [...partsOf(kind)] : [weakestOf(tool, kind)];
    if (kind !== '' && seen[0]! >= minRepeats) learned.push('repeated');
    for (const part of learned) {
      kinds.add(part, step);
      const family = familyOf(part);
      if (family !== undefined) kinds.add(family, step);
      tools.add(`${tool}|${part}`, step);
    }
    details.add(`${tool}|${detail}`, step);
  };

  /** What a tool has shown itself of the edits a hit would rest on. */
  const ownEvidence = ({ tool, difference: { kind = '' } }: ReuseQuestion, { reason }: Pick<ReuseAnswer, 'reason'>): number => {
    if (reason === 'same edit was the same before') return tools.get(`${tool}|repeated`)[0]!;
    return Math.min(...partsOf(kind).map((part) => tools.get(`${tool}|${part}`)[0]!));
  };

  /** Of several edits at once, the one that is least sure must be what went wrong. */
  const weakestOf = (tool: string, kind: string): string => {
    let weakest = '';
    let bound = -1;
    for (const part of partsOf(kind)) {
      const its = boundOfKind(tool, part);
      if (its > bound) [weakest, bound] = [part, its];
    }
    return weakest;
  };

  const named = [
    ['kinds', kinds],
    ['tools', tools],
    ['details', details],
  ] as const;
  return {
    name: 'similarity',
    tables: named.map(([name]): TableSpec => ({ name, columns: ['same', 'different'], rule: 'sum' })),
    observe,
    judge: (question) => {
      const answer = weigh(question);
      if (!answer.isServed) return { ...answer, checkShare: 0 };
      return { ...answer, checkShare: checkShareOf(ownEvidence(question, answer), question.maxWrong) };
    },
    get revision() {
      return revision;
    },
    save: () => new Map(named.map(([name, table]) => [name, table.save()])),
    load: (state: ModelState) => {
      revision++;
      for (const [name, table] of named) table.load(state.get(name));
    },
  };
}

/** An edit counts as a repeated one after this many comparisons that agreed. */
const minRepeats = 1;

const leastChecked = 0.02;

/**
 * What holds in other tools need not hold in this one, so all hits are checked until its own evidence bounds the share of wrong ones
 * alone: a hundred that agreed for 0.02. From then on so many that if all answers changed at once, the wrong ones until a check tells
 * would be about as large a share of those served as is allowed.
 */
function checkShareOf(own: number, maxWrong: number): number {
  return Math.min(1, Math.max(leastChecked, Math.exp(1 - (own * maxWrong) / 2)));
}

/** A kind must have shown this often itself that it agrees before it borrows from its family. */
const minOwn = 8;

const familyOf = (kind: string): string | undefined => (kind.startsWith('omitted ') ? 'omitted' : undefined);

/** Comparisons taken for granted, by what the edit means; a kind that is not here begins with none. */
const commonlyTaken: ReadonlyMap<string, number> = new Map([
  ['equal', 1_000],
  ['spelling', 250],
  ['moment', 250],
  ['region', 250],
  ['unit', 250],
  ['article', 220],
  ['plural', 220],
  ['contraction', 220],
  ['locality', 220],
  ['kind word', 110],
  ['repeated', 220],
]);

function partsOf(kind: string): readonly string[] {
  return kind === '' ? equal : kind.split('+');
}

const equal = ['equal'];
