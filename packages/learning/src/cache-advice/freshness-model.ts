import type { Effect } from '../effects/read-effect.ts';
import type { Model, ModelState } from '../model.ts';
import type { CallFact } from './call-fact.ts';
import { createCountTable } from './count-table.ts';
import { createKeptResults } from './kept-results.ts';
import { createWriteLog } from './write-log.ts';
import { defaultConfidence, lowerBound, upperBound } from './wrong-bound.ts';

export interface CachePlan {
  /** `never` also for a tool that is not held for a reading one, whatever its results look like. */
  readonly kind: 'never' | 'exact';
  /** How long a result may be served, in milliseconds; 0 for `never`. */
  readonly ttlMs: number;
  /** Tools whose calls drop this tool's results. Any other that is not held for a read, of the same upstream and not in `sparedBy`, does too. */
  readonly invalidatedBy: readonly string[];
  /** Writing tools of the same upstream after which this tool's results have been shown to stay. */
  readonly sparedBy: readonly string[];
  /** The share of stale answers among those served lies below, with the model's confidence; 1 where nothing is known. */
  readonly wrongHitUpperBound: number;
  readonly evidence: CacheEvidence;
  readonly reason: 'not a read' | 'checks have failed' | 'too little evidence' | 'changes too often' | 'lasts';
}

/** What would have happened with that time to live, had everything been cached, and what checks of real hits have found. */
export interface CacheEvidence {
  readonly entries: number;
  readonly hits: number;
  readonly staleHits: number;
  readonly checks: number;
  readonly failedChecks: number;
}

export interface PlanQuestion {
  /** As `versionedTool` gives it. */
  readonly tool: string;
  readonly effect: Effect;
  /** Largest share of stale answers that the operator bears: 0.01. */
  readonly maxWrong: number;
  /** What the server says itself, in milliseconds. A plan never goes beyond it. */
  readonly hintMs?: number;
}

/** A call, or the check of a hit that was served from the cache: the upstream was asked as well, and the two compared. */
export type FreshnessEvent =
  | ({ readonly kind: 'call' } & CallFact)
  | { readonly kind: 'check'; readonly tool: string; readonly isSame: boolean };

export interface FreshnessModel extends Model<FreshnessEvent> {
  readonly plan: (question: PlanQuestion) => CachePlan;
}

export interface FreshnessOptions {
  /** Default 0.95. */
  readonly confidence?: number;
  readonly maxTools?: number;
  readonly maxPairs?: number;
  /** Calls whose latest results are remembered, by key, for comparison. */
  readonly maxKept?: number;
}

/** Times to live that are tried out side by side, in milliseconds. */
const lifetimes = [1_000, 5_000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000];
const perLifetime = ['entries', 'hits', 'stale'];
const columns = [
  'quiet',
  'quietChanged',
  'checks',
  'failedChecks',
  ...lifetimes.flatMap((ms) => perLifetime.map((name) => `${name}@${ms}`)),
];

/**
 * Learns how long results last and what ends them, by playing a cache for every time to live at once on the calls that reach an
 * upstream: each repeated call would have been a hit, and was stale if the result had changed. An entry counts as one trial however often
 * it would have been hit, for one stale entry makes all of its hits wrong together.
 */
export function createFreshnessModel(options: FreshnessOptions = {}): FreshnessModel {
  const confidence = options.confidence ?? defaultConfidence;
  const tools = createCountTable({ columns: columns.length, maxRows: options.maxTools ?? 5_000 });
  const pairs = createCountTable({ columns: 2, maxRows: options.maxPairs ?? 20_000 });
  const kept = createKeptResults({ lifetimes, maxKept: options.maxKept ?? 5_000 });
  const writes = createWriteLog();

  /** Whether a write drops what a read had. Of the same upstream it does until it is shown harmless, of others once shown harmful. */
  const isInvalidating = (
    write: string,
    read: string,
    { isSameUpstream, maxWrong }: { isSameUpstream: boolean; maxWrong: number },
  ): boolean => {
    const [seen, changed] = pairs.get(pairKey(write, read)) as [number, number];
    if (isSameUpstream) return upperBound({ failures: changed, trials: seen }, confidence) > maxWrong;
    const [quiet, quietChanged] = tools.get(read) as [number, number];
    return lowerBound({ failures: changed, trials: seen }, confidence) > upperBound({ failures: quietChanged, trials: quiet }, confidence);
  };

  const learnRead = ({ atMs, upstream, tool, callKey, resultKey }: CallFact): void => {
    const steps = columns.map(() => 0);
    const since = (thenMs: number) => writes.since({ upstream, thenMs });
    const latest = kept.latest(callKey);
    if (latest !== undefined && atMs >= latest.atMs) {
      const { own, others } = since(latest.atMs);
      const changed = latest.resultKey === resultKey ? 0 : 1;
      const candidates = own.length > 0 ? own : others;
      // With several tools in between none can be held to account.
      if (candidates.length === 1) pairs.add(pairKey(candidates[0]!, tool), [1, changed]);
      if (candidates.length === 0) [steps[0], steps[1]] = [1, changed];
    }
    const isDropped = (thenMs: number): boolean => {
      const { own, others } = since(thenMs);
      return (
        own.some((write) => isInvalidating(write, tool, { isSameUpstream: true, maxWrong: learningMaxWrong })) ||
        others.some((write) => isInvalidating(write, tool, { isSameUpstream: false, maxWrong: learningMaxWrong }))
      );
    };
    for (const { lifetime, isFirstHit, isStale } of kept.see({ callKey, resultKey, atMs, isDropped })) {
      const column = 4 + lifetime * perLifetime.length;
      if (isFirstHit) steps[column] = 1;
      steps[column + 1] = 1;
      if (isStale) steps[column + 2] = 1;
    }
    if (steps.some((step) => step > 0)) tools.add(tool, steps);
  };

  const observe = (event: FreshnessEvent): void => {
    if (event.kind === 'check') {
      const steps = columns.map(() => 0);
      [steps[2], steps[3]] = [1, event.isSame ? 0 : 1];
      tools.add(event.tool, steps);
    } else if (event.effect !== 'read') {
      writes.add(event);
    } else if (event.callKey !== '' && event.resultKey !== '' && Number.isFinite(event.atMs)) {
      learnRead(event);
    }
  };

  const plan = ({ tool, effect, maxWrong, hintMs = Infinity }: PlanQuestion): CachePlan => {
    const row = tools.get(tool);
    const about = (index: number): CacheEvidence => {
      const column = 4 + index * perLifetime.length;
      return { entries: row[column]!, hits: row[column + 1]!, staleHits: row[column + 2]!, checks: row[2]!, failedChecks: row[3]! };
    };
    const boundOf = ({ entries, hits, staleHits }: CacheEvidence): number =>
      hits === 0 ? 1 : upperBound({ failures: (staleHits / hits) * entries, trials: entries }, confidence);
    const never = (reason: CachePlan['reason']): CachePlan => ({
      kind: 'never',
      ttlMs: 0,
      invalidatedBy: [],
      sparedBy: [],
      wrongHitUpperBound: boundOf(about(0)),
      evidence: about(0),
      reason,
    });
    if (effect !== 'read') return never('not a read');
    const { checks, failedChecks } = about(0);
    // With more failures than a sound plan would show but in one of twenty cases, the simulation is not to be believed.
    if (lowerBound({ failures: failedChecks, trials: checks }, confidence) > maxWrong) return never('checks have failed');
    for (let index = lifetimes.length - 1; index >= 0; index--) {
      const wrongHitUpperBound = boundOf(about(index));
      const ttlMs = Math.min(lifetimes[index]!, hintMs);
      if (wrongHitUpperBound > maxWrong || !(ttlMs > 0)) continue;
      return { kind: 'exact', ttlMs, ...readPairs(tool, maxWrong), wrongHitUpperBound, evidence: about(index), reason: 'lasts' };
    }
    return never(about(0).entries * maxWrong < 2 ? 'too little evidence' : 'changes too often');
  };

  const readPairs = (read: string, maxWrong: number): Pick<CachePlan, 'invalidatedBy' | 'sparedBy'> => {
    const invalidatedBy: string[] = [];
    const sparedBy: string[] = [];
    for (const key of pairs.keys()) {
      const [write, ofRead] = key.split(arrow) as [string, string];
      if (ofRead !== read) continue;
      const isSameUpstream = write.slice(0, write.indexOf('/')) === read.slice(0, read.indexOf('/'));
      if (isInvalidating(write, read, { isSameUpstream, maxWrong })) invalidatedBy.push(write);
      else if (isSameUpstream) sparedBy.push(write);
    }
    return { invalidatedBy: invalidatedBy.toSorted(), sparedBy: sparedBy.toSorted() };
  };

  return {
    name: 'freshness',
    tables: [
      { name: 'tools', columns, rule: 'sum' },
      { name: 'pairs', columns: ['seen', 'changed'], rule: 'sum' },
    ],
    observe,
    plan,
    // What waits for a comparison is not saved: it is about single calls, and the next calls bring it anew.
    save: () =>
      new Map([
        ['tools', tools.save()],
        ['pairs', pairs.save()],
      ]),
    load: (state: ModelState) => {
      tools.load(state.get('tools'));
      pairs.load(state.get('pairs'));
      kept.clear();
      writes.clear();
    },
  };
}

/** While learning, a write is held harmless at this bound; plans then ask with the operator's own. */
const learningMaxWrong = 0.01;

const arrow = ' -> ';
const pairKey = (write: string, read: string): string => `${write}${arrow}${read}`;
