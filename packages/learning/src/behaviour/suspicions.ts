import type { CallInteraction } from '../interaction.ts';
import type { Alerts, Suspicion } from './alerts.ts';
import type { AnomalyEvidence, AnomalyKind, Measure } from './anomaly.ts';
import { BUCKET, CALLER, CALLS, FIRST, IN_BUCKET, PAIR, TOOL } from './columns.ts';
import { addEvent, expectedShare, sumOf } from './event-alarm.ts';
import { addValue, scoreAbove, toLog, usualRange, type MomentOptions } from './moments.ts';
import { scoreNovelty, scoreShare } from './novelty.ts';
import { closeDay } from './tool-days.ts';

/** A call with what is known of who makes it and of its tool. */
export interface Observed {
  readonly call: CallInteraction;
  readonly caller: number[];
  readonly pair: number[];
  readonly tool: number[];
  /** Whether the caller calls the tool for the first time, and anything of its server; whether anybody ever did; other arguments. */
  readonly isNew: boolean;
  readonly isElsewhere: boolean;
  readonly isToolNew: boolean;
  readonly isNewShape: boolean;
  /** Destinations that the caller has never named to the tool before. */
  readonly newDestinations: number;
  /** Whether it comes after another tool of its session, and the caller has called the two in this order before. */
  readonly move: 'none' | 'known' | 'new';
}

export interface SuspicionsOptions {
  readonly alerts: Alerts;
  /** Age of a caller before anything it does may be abnormal. */
  readonly settleMs: number;
}

const DAY_MS = 86_400_000;
export const BUCKET_MS = 300_000;
const DAY_BUCKETS = DAY_MS / BUCKET_MS;
/** From where on a score is told. Those of more than five stand for a chance in a hundred thousand or less. */
const THRESHOLDS = {
  rate: 5.5,
  'first-use': 5,
  shape: 3,
  destination: 2.3,
  sequence: 3,
  arguments: 5.5,
  result: 5.5,
  duration: 8,
  failures: 8,
} as const;
/** Of what speaks against a tool, the share from one caller that makes it the caller's. */
const OWN_SHARE = 0.75;
/** A shorter wait, fewer bytes and fewer calls are nothing to tell of, however rare. */
const LEAST = { durationMs: 1_000, argsBytes: 1_024, resultBytes: 10_240, inBucket: 20 };
const LEAST_CALLS = 200;
/** Spreads from usual on which a call is slow. */
const SLOW = 2.5;

const RATE: MomentOptions = { leastValues: 30, leastSpread: 0.5, pace: 1 / 300 };
const SIZE: MomentOptions = { leastValues: 50, leastSpread: 0.5, pace: 1 / 500 };
const DURATION: MomentOptions = { leastValues: 50, leastSpread: 0.8, pace: 1 / 500 };

/** Returns what looks at each call: raises what is abnormal beside all before it, then takes it into what is usual. */
export function createSuspicions({ alerts, settleMs }: SuspicionsOptions): (observed: Observed) => void {
  const isSettled = (row: readonly number[], atMs: number, ageMs: number) => atMs - row[FIRST]! >= ageMs;
  const shortMs = Math.min(settleMs, DAY_MS);
  const raise = (
    { call }: Observed,
    about: {
      readonly kind: keyof typeof THRESHOLDS;
      readonly measure: Measure;
      readonly score: number;
      readonly scope?: 'caller' | 'tool';
    },
    evidence: () => AnomalyEvidence,
  ): boolean => {
    const { kind, measure, score, scope } = about;
    const { tenant, principal, upstream, tool, atMs } = call;
    const own = {
      principal: scope === 'tool' ? '' : principal,
      upstream: scope === 'caller' ? '' : upstream,
      tool: scope === 'caller' ? '' : tool,
    };
    return alerts.raise({ tenant, ...own, kind, measure, atMs, score, threshold: THRESHOLDS[kind], evidence } satisfies Suspicion);
  };

  const lookAtRate = (observed: Observed, { isOld, mayTell }: { readonly isOld: boolean; readonly mayTell: boolean }): void => {
    const { caller, pair, call } = observed;
    const bucket = Math.floor(call.atMs / BUCKET_MS);
    for (const [row, at, scope] of [
      [pair, PAIR.rate, undefined],
      [caller, CALLER.rate, 'caller'],
    ] as const) {
      countInBucket(row, at, bucket);
      const count = row[IN_BUCKET]!;
      const isTold = scope === 'caller' && caller[CALLER.burst] === row[BUCKET];
      if (!(scope === 'caller' ? isOld : mayTell) || isTold || count < LEAST.inBucket) continue;
      const score = scoreAbove(row, at, toLog(count), RATE);
      if (score === 0) continue;
      const about = { kind: 'rate', measure: 'calls in 5 minutes', score, ...(scope && { scope }) } as const;
      // One burst is one thing: of a tool where it is, else of the caller.
      if (raise(observed, about, () => ({ observed: count, ...usualRange(row, at, RATE), calls: row[CALLS]! })))
        caller[CALLER.burst] = row[BUCKET]!;
    }
  };
  const lookAtFirstUse = (observed: Observed): void => {
    const { caller, tool, call, isElsewhere, isToolNew } = observed;
    const calls = caller[CALLS]!;
    if (calls < LEAST_CALLS) return;
    const isRead = call.effect === 'read';
    let score = scoreNovelty(caller[CALLER.tools]!, calls);
    if (!isRead) score += scoreShare(caller[CALLER.notRead]!, calls);
    // A server that is new to everybody says nothing of who reads there first.
    const isOld = !isToolNew && isSettled(tool, call.atMs, settleMs);
    if (isElsewhere && (isOld || !isRead)) score += scoreNovelty(caller[CALLER.upstreams]!, calls);
    raise(observed, { kind: 'first-use', measure: 'calls before', score }, () => unseen(caller[CALLER.tools]!, calls));
  };
  const lookAtShape = (observed: Observed): void => {
    const { pair } = observed;
    const calls = pair[PAIR.shaped]!;
    const score = scoreNovelty(pair[PAIR.shapes]!, calls);
    if (calls < LEAST_CALLS) return;
    raise(observed, { kind: 'shape', measure: 'calls before', score }, () => unseen(pair[PAIR.shapes]!, calls));
  };
  const lookAtDestination = (observed: Observed): void => {
    const { pair } = observed;
    const calls = pair[PAIR.aimed]!;
    const score = scoreNovelty(pair[PAIR.destinations]!, calls);
    if (calls < LEAST_CALLS) return;
    raise(observed, { kind: 'destination', measure: 'calls before', score }, () => unseen(pair[PAIR.destinations]!, calls));
  };
  const lookAtOrder = (observed: Observed): void => {
    const { caller } = observed;
    const calls = caller[CALLER.moves]!;
    const score = scoreNovelty(caller[CALLER.orders]!, calls);
    if (calls < LEAST_CALLS) return;
    raise(observed, { kind: 'sequence', measure: 'calls before', score }, () => unseen(caller[CALLER.orders]!, calls));
  };
  const lookAtSize = (observed: Observed, kind: 'arguments' | 'result', bytes: number): void => {
    const { pair } = observed;
    const score = scoreAbove(pair, PAIR[kind], toLog(bytes), SIZE);
    const measure = kind === 'arguments' ? 'argument bytes' : 'result bytes';
    if (score > 0)
      raise(observed, { kind, measure, score }, () => ({ observed: bytes, ...usualRange(pair, PAIR[kind], SIZE), calls: pair[CALLS]! }));
  };
  // What befalls most callers is the tool's, what befalls one is that caller's.
  const lookAtEvent = (observed: Observed, kind: AnomalyKind & ('failures' | 'duration'), mayTell: boolean): void => {
    const { pair, tool, call } = observed;
    const event = kind === 'failures' ? 'failed' : 'slow';
    const [own, all] = [sumOf(pair, PAIR[event]), sumOf(tool, TOOL[event])];
    const isOfTool = all >= THRESHOLDS[kind] && own < OWN_SHARE * all;
    const [row, at, score] = isOfTool ? [tool, TOOL[event], all] : [pair, PAIR[event], own];
    if (!(isOfTool ? isSettled(tool, call.atMs, shortMs) : mayTell)) return;
    const about = {
      kind,
      measure: kind === 'failures' ? 'failure share' : 'ms',
      score,
      ...(isOfTool && { scope: 'tool' as const }),
    } as const;
    raise(observed, about, () => {
      const calls = row[CALLS]!;
      if (kind === 'duration') return { observed: call.durationMs - call.queueMs, ...usualRange(pair, PAIR.duration, DURATION), calls };
      const share = expectedShare(row, at);
      return { observed: 1, expected: share, low: 0, high: Math.min(1, 2 * share), calls };
    });
  };

  return (observed) => {
    const { call, caller, pair, tool, isNew, isNewShape, newDestinations, move } = observed;
    const { atMs, ending, argsBytes, resultBytes, cached } = call;
    const isOld = isSettled(caller, atMs, settleMs);
    const mayTell = isOld && isSettled(pair, atMs, shortMs);
    closeDay(call, tool, { alerts, mayTell: isSettled(tool, atMs, shortMs) });
    if (isNew && isOld) lookAtFirstUse(observed);
    if (isNewShape && mayTell) lookAtShape(observed);
    if (newDestinations > 0 && mayTell) lookAtDestination(observed);
    // What comes with a tool that is new is no order of its own.
    if (move === 'new' && mayTell && !isNew) lookAtOrder(observed);
    lookAtRate(observed, { isOld, mayTell });
    if (mayTell && argsBytes >= LEAST.argsBytes) lookAtSize(observed, 'arguments', argsBytes);
    const hasWorked = ending === 'ok';
    if (mayTell && hasWorked && resultBytes >= LEAST.resultBytes) lookAtSize(observed, 'result', resultBytes);
    const durationMs = Math.max(0, call.durationMs - call.queueMs);
    const isTimed = hasWorked && !cached;
    const isSlow = isTimed && durationMs >= LEAST.durationMs && scoreAbove(pair, PAIR.duration, toLog(durationMs), DURATION) > SLOW;

    caller[CALLS]!++;
    pair[CALLS]!++;
    tool[CALLS]!++;
    if (isNew) caller[CALLER.tools]!++;
    if (observed.isElsewhere) caller[CALLER.upstreams]!++;
    if (call.effect !== 'read') caller[CALLER.notRead]!++;
    if (isNewShape) pair[PAIR.shapes]!++;
    if (call.destinations !== undefined) pair[PAIR.aimed]!++;
    pair[PAIR.destinations]! += newDestinations;
    if (move !== 'none') caller[CALLER.moves]!++;
    if (move === 'new') caller[CALLER.orders]!++;
    if (argsBytes > 0) {
      pair[PAIR.shaped]!++;
      addValue(pair, PAIR.arguments, toLog(argsBytes), SIZE);
    }
    if (ending === 'cancelled') return;
    // What was refused tells of who asked, not of the tool.
    if (ending !== 'refused') {
      tool[TOOL.dayCalls]!++;
      addEvent(tool, TOOL.failed, !hasWorked);
    }
    addEvent(pair, PAIR.failed, !hasWorked);
    if (!hasWorked) {
      if (ending !== 'refused') tool[TOOL.dayFailed]!++;
      return lookAtEvent(observed, 'failures', mayTell);
    }
    addValue(pair, PAIR.result, toLog(resultBytes), SIZE);
    tool[TOOL.dayResults]!++;
    tool[TOOL.dayResultSum]! += toLog(resultBytes);
    if (!isTimed) return;
    addEvent(pair, PAIR.slow, isSlow);
    addEvent(tool, TOOL.slow, isSlow);
    if (isSlow) lookAtEvent(observed, 'duration', mayTell);
    addValue(pair, PAIR.duration, toLog(durationMs), DURATION);
  };
}

/** Counts a call in its five minutes; those before, in which there were calls, are a value of what is usual. */
function countInBucket(row: number[], at: number, bucket: number): void {
  const current = row[BUCKET]!;
  // A call that comes late belongs to those that are; a clock that was wrong by more begins anew.
  if (row[IN_BUCKET]! > 0 && bucket <= current && bucket > current - DAY_BUCKETS) {
    row[IN_BUCKET]!++;
    return;
  }
  if (row[IN_BUCKET]! > 0) addValue(row, at, toLog(row[IN_BUCKET]!), RATE);
  row[BUCKET] = bucket;
  row[IN_BUCKET] = 1;
}

function unseen(kinds: number, calls: number): AnomalyEvidence {
  return { observed: 0, expected: calls / Math.max(1, kinds), low: 1, high: calls, calls };
}
