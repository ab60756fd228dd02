import type { Model, ModelState } from '../model.ts';
import { joinKey, splitKey } from '../tool-key.ts';
import { CALIBRATION_TABLE, createCalibration, type Guess } from './calibration.ts';
import { FollowerCounts } from './follower-counts.ts';
import { bestOf, contextsOf, EVERYTHING, raise, serverContext, serverOf, wordOf } from './followers.ts';
import { createPredictionTally, TALLY_TABLE, TOLD_TOOLS, type PredictedTool, type PredictionCounts } from './prediction-tally.ts';

/** A call as the prediction of the next one sees it. */
export interface StepEvent {
  readonly session: string;
  readonly atMs: number;
  readonly upstream: string;
  readonly tool: string;
  readonly isOk: boolean;
  /** Features of what the session is about, as `readNeed` gives them; empty when nothing is known of it. */
  readonly need: readonly number[];
}

/**
 * Tells which tool a session calls next. Candidates come from what followed the same calls before, from the session itself, from
 * what was called for such needs, and from what is called often. Several experts say how likely each is, and how much each expert
 * counts is learned with every call, apart for situations of more and of less evidence (Hedge with a fixed share). How likely the
 * first really is, is learned beside that.
 */
export interface NextToolModel extends Model<StepEvent> {
  /** How often it was right on the calls that experts were tried on, before it learned from them; no session's first call is one. */
  readonly counts: PredictionCounts;
  /** By tool, the upstream other than its own that most sessions call right after it; tools without one are left out. */
  upstreamsAfter(): ReadonlyMap<string, string>;
  /** Most likely first. @param session As events name it; a session that is not known has called nothing yet. */
  predict(session: string, options: { readonly limit: number; readonly need?: readonly number[] }): readonly PredictedTool[];
}

const LONGEST = 4;
const MAX_CANDIDATES = 48;
const MAX_SESSIONS = 5_000;
/** A call so long after the one before it begins anew. */
const SESSION_MS = 3_600_000;
const POPULAR = 8;
const SESSION_TOOLS = 16;
const WORDS = 64;
const PER_WORD = 24;

const EXPERTS = ['sequence', 'longestSequence', 'recency', 'need', 'restOfNeed', 'server', 'blend'] as const;
const COUNT = EXPERTS.length;
/** What the last expert weighs: it multiplies where the mixture adds. */
const BLENDED = ['sequence', 'need', 'server', 'sameServer', 'isLast', 'recency', 'isNew', 'isNewAndNeeded', 'isLastAfterFailure'] as const;
const BLEND_START = [1, 0.4, 0.3, 0.5, -0.3, 0.3, 0, 0.2, 0.3];
const BLEND_RATE = 0.1;

/** How often the last two calls were seen before: from then on it is another situation. */
const GRADES = [1, 3, 10];
const SITUATIONS = 2 * (GRADES.length + 1);
const START = [0.3, 0.25, 0.05, 0.05, 0.1, 0.05, 0.2];
const RATE = 0.3;
const SHARED = 0.02;
/** Calls that experts are tried on one by one; of later ones, one in four, and no more than one in so many milliseconds. */
const EAGER = 2_000;
const TRIAL_MS = 10;
/** So likely is everything to every expert, as nobody knows everything. */
const SURPRISE = 1e-4;
/** Of what a longer context says, the part that a shorter one counts beside it. */
const BACK_OFF = 1e-3;

/** Of a session that has called nothing yet. */
const NO_CONTEXTS = contextsOf([], LONGEST);

interface Session {
  atMs: number;
  readonly keys: string[];
  readonly ok: boolean[];
  /** Of its last calls, the shortest first; made anew with every call and used several times. */
  contexts: readonly string[];
}

interface Ranked {
  readonly key: string;
  readonly share: number;
}

interface Scored {
  readonly keys: string[];
  /** What each expert says of each candidate. */
  readonly said: readonly Float64Array[];
  readonly shares: Float64Array;
  readonly situation: number;
  /** For each candidate what `BLENDED` names. */
  readonly blended: Float64Array;
}

export function createNextToolModel(): NextToolModel {
  const followers = new FollowerCounts();
  let sessions = new Map<string, Session>();
  let popular: readonly string[] = [];
  const weights = Array.from({ length: SITUATIONS }, () => Float64Array.from(START));
  const trials = new Float64Array(SITUATIONS);
  const blend = Float64Array.from(BLEND_START);
  const squares = new Float64Array(BLENDED.length).fill(1);
  let blendTrials = 0;
  let triedAtMs = 0;
  const calibration = createCalibration();
  const tally = createPredictionTally();

  const candidatesOf = (session: Session | undefined, need: readonly number[]): string[] => {
    const found = new Set<string>();
    const keys = session?.keys ?? [];
    const contexts = session?.contexts ?? NO_CONTEXTS;
    for (let order = contexts.length; order >= 1 && found.size < MAX_CANDIDATES; order--)
      for (const key of bestOf(followers.get(contexts[order - 1]!), PER_WORD)) found.add(key);
    for (const key of keys.slice(-SESSION_TOOLS)) found.add(key);
    const votes = new Map<string, number>();
    for (const feature of need.slice(0, WORDS)) {
      const own = followers.get(wordOf(feature));
      if (own === undefined || own.tools.size >= 4 * PER_WORD) continue;
      for (const [key, count] of own.tools) votes.set(key, (votes.get(key) ?? 0) + count / (own.total + 2));
    }
    for (const [key] of [...votes].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)).slice(0, PER_WORD)) found.add(key);
    for (const key of popular.slice(0, POPULAR)) found.add(key);
    const last = keys.at(-1);
    if (last !== undefined) for (const key of bestOf(followers.get(serverContext(serverOf(last))), POPULAR)) found.add(key);
    return [...found].slice(0, 2 * MAX_CANDIDATES);
  };

  const score = (session: Session | undefined, need: readonly number[]): Scored => {
    const keys = candidatesOf(session, need);
    const past = session?.keys ?? [];
    const orders = (session?.contexts ?? NO_CONTEXTS).map((context) => followers.get(context));
    const contexts = orders.filter((own) => own !== undefined).toReversed();
    const last = past.at(-1);
    const server = last === undefined ? undefined : followers.get(serverContext(serverOf(last)));
    const all = followers.get(EVERYTHING);
    const total = all?.total ?? 0;
    const words = need.slice(0, WORDS).flatMap((feature) => {
      const own = followers.get(wordOf(feature));
      return own === undefined ? [] : [{ own, weight: Math.log(1 + total / (1 + own.total)) ** 2 / (own.total + 1) }];
    });
    const said = EXPERTS.map(() => new Float64Array(keys.length));
    const [sequence, longest, recency, needed, rest, ofServer] = said as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (const [index, key] of keys.entries()) {
      let [part, escape] = [1, 1];
      for (const { total: seen, tools } of contexts) {
        const count = tools.get(key) ?? 0;
        longest[index]! += (part * count) / seen;
        part *= BACK_OFF;
        // PPM, method C: what was not seen here is as likely as all kinds that were.
        const kinds = tools.size;
        sequence[index]! += (escape * count) / (seen + kinds);
        escape *= kinds / (seen + kinds);
      }
      const common = (all?.tools.get(key) ?? 0) / Math.max(1, total);
      longest[index]! += part * common;
      sequence[index]! += escape * common;
      const place = past.lastIndexOf(key);
      recency[index] = place < 0 ? 0.05 * common : 0.5 ** (past.length - 1 - place);
      let vote = 0;
      for (const { own, weight } of words) vote += weight * (own.tools.get(key) ?? 0);
      needed[index] = vote;
      rest[index] = place < 0 ? vote : 0;
      ofServer[index] = server?.tools.get(key) ?? 0;
    }
    for (const each of said) normalize(each);
    const blended = new Float64Array(keys.length * BLENDED.length);
    const isAfterFailure = session?.ok.at(-1) === false;
    for (const [index, key] of keys.entries()) {
      const isNew = !past.includes(key);
      const isLast = key === last;
      const values = [
        Math.log(sequence[index]! + 0.002) + 4,
        Math.log(needed[index]! + 0.002) + 4,
        Math.log(ofServer[index]! + 0.01) + 3,
        last !== undefined && serverOf(key) === serverOf(last) ? 1 : 0,
        isLast ? 1 : 0,
        isNew ? 0 : recency[index]!,
        isNew ? 1 : 0,
        isNew && needed[index]! > 0.05 ? 1 : 0,
        isLast && isAfterFailure ? 1 : 0,
      ];
      let sum = 0;
      for (const [feature, value] of values.entries()) sum += blend[feature]! * (blended[index * BLENDED.length + feature] = value);
      said[COUNT - 1]![index] = sum;
    }
    softmax(said[COUNT - 1]!);
    const situation = situationOf(orders[1]?.total ?? 0, words.length > 0);
    const shares = new Float64Array(keys.length);
    for (const [expert, each] of said.entries()) {
      const weight = weights[situation]![expert]!;
      for (let index = 0; index < shares.length; index++) shares[index]! += weight * each[index]!;
    }
    return { keys, said, shares, situation, blended };
  };

  /** Most likely first. */
  const rank = ({ keys, shares }: Scored): Ranked[] =>
    keys
      .map((key, index) => ({ key, share: shares[index]! }))
      .toSorted((one, other) => other.share - one.share || (one.key < other.key ? -1 : 1));

  const guessOf = (session: Session | undefined, [first, second, third]: readonly Ranked[]): Guess | undefined => {
    if (first === undefined) return undefined;
    const past = session?.keys ?? [];
    const last = past.at(-1);
    return {
      shares: [first.share, second?.share ?? 0, third?.share ?? 0],
      followed: followedBy(session, first.key),
      isLast: first.key === last,
      isKnown: past.includes(first.key),
      calls: past.length,
      isSameServer: last !== undefined && serverOf(first.key) === serverOf(last),
      isAfterFailure: session?.ok.at(-1) === false,
    };
  };

  const followedBy = (session: Session | undefined, key: string): number =>
    session === undefined || session.keys.length === 0 ? 0 : (followers.get(session.contexts[0]!)?.tools.get(key) ?? 0);

  // The first is given its probability, and the others share what is left as they did; none comes to stand before the first.
  const tell = (session: Session | undefined, ranked: readonly Ranked[], limit: number): PredictedTool[] => {
    const guess = guessOf(session, ranked);
    if (guess === undefined) return [];
    const [first, second] = guess.shares;
    const odds = second / Math.max(Number.EPSILON, 1 - first);
    const probability = Math.max(calibration.probabilityOf(guess), odds / (1 + odds));
    const scale = (1 - probability) / Math.max(Number.EPSILON, 1 - first);
    return ranked.slice(0, limit).map(({ key, share }, index) => {
      const [upstream = '', tool = ''] = splitKey(key);
      return { upstream, tool, share: index === 0 ? probability : share * scale, followed: followedBy(session, key) };
    });
  };

  // One step of the gradient of the log-likelihood, each weight at its own pace (AdaGrad).
  const learnBlend = ({ keys, said, blended }: Scored, chosen: number): void => {
    const width = BLENDED.length;
    for (let feature = 0; feature < width; feature++) {
      let gradient = blended[chosen * width + feature]!;
      for (let index = 0; index < keys.length; index++) gradient -= said[COUNT - 1]![index]! * blended[index * width + feature]!;
      squares[feature]! += gradient * gradient;
      blend[feature]! += (BLEND_RATE * gradient) / Math.sqrt(squares[feature]!);
    }
    blendTrials++;
  };

  const learnWeights = (scored: Scored, key: string): void => {
    const { keys, said, situation } = scored;
    const own = weights[situation]!;
    const chosen = keys.indexOf(key);
    // What nobody could know says nothing of anyone.
    if (chosen < 0) return;
    let sum = 0;
    for (let expert = 0; expert < COUNT; expert++) sum += own[expert]! *= (SURPRISE + said[expert]![chosen]!) ** RATE;
    for (let expert = 0; expert < COUNT; expert++) own[expert] = ((1 - SHARED) * own[expert]!) / sum + SHARED / COUNT;
    trials[situation]!++;
    learnBlend(scored, chosen);
  };

  const sessionOf = (name: string, atMs: number): Session => {
    let session = sessions.get(name);
    sessions.delete(name);
    if (session !== undefined && atMs - session.atMs > SESSION_MS) session = undefined;
    if (session === undefined && sessions.size >= MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
    session ??= { atMs, keys: [], ok: [], contexts: NO_CONTEXTS };
    session.atMs = atMs;
    sessions.set(name, session);
    return session;
  };

  return {
    name: 'next',
    get counts() {
      return tally.counts;
    },
    tables: [
      { name: 'followers', columns: ['count'], rule: 'sum' },
      { name: 'sessions', columns: ['atMs', 'order', 'failures'], rule: 'latest' },
      { name: 'weights', columns: ['trials', 'weight'], rule: 'mean' },
      { name: 'blend', columns: ['trials', 'weight', 'squares'], rule: 'mean' },
      { name: 'trial', columns: ['atMs'], rule: 'latest' },
      CALIBRATION_TABLE,
      TALLY_TABLE,
    ],
    observe: ({ session: name, atMs, upstream, tool, isOk, need }) => {
      const key = joinKey(upstream, tool);
      const session = sessionOf(name, atMs);
      const calls = followers.get(EVERYTHING)?.total ?? 0;
      if (session.keys.length > 0 && (calls < EAGER || (Math.abs(atMs - triedAtMs) >= TRIAL_MS && isTried(calls)))) {
        triedAtMs = atMs;
        const scored = score(session, need);
        const ranked = rank(scored);
        tally.see(tell(session, ranked, TOLD_TOOLS), { upstream, tool });
        const guess = guessOf(session, ranked);
        if (guess !== undefined) calibration.learn(guess, ranked[0]!.key === key);
        learnWeights(scored, key);
      }
      if (followers.prune()) popular = bestOf(followers.get(EVERYTHING), POPULAR);
      for (const context of session.contexts) followers.learn(context, key);
      followers.learn(EVERYTHING, key);
      const last = session.keys.at(-1);
      if (last !== undefined) followers.learn(serverContext(serverOf(last)), key);
      for (const feature of need.slice(0, WORDS)) followers.learn(wordOf(feature), key);
      session.keys.push(key);
      session.ok.push(isOk);
      if (session.keys.length > SESSION_TOOLS) {
        session.keys.shift();
        session.ok.shift();
      }
      session.contexts = contextsOf(session.keys, LONGEST);
      popular = raise(popular, key, { own: followers.get(EVERYTHING)!, limit: POPULAR });
    },
    upstreamsAfter: () => followers.upstreamsAfter(),
    predict: (name, { limit, need = [] }) => {
      const session = sessions.get(name);
      return tell(session, rank(score(session, need)), limit);
    },
    save: (): ModelState => {
      const called = new Map<string, readonly number[]>();
      let order = 0;
      for (const [name, { atMs, keys, ok }] of sessions) {
        const failures = ok.reduce((bits, isOk, index) => bits + (isOk ? 0 : 2 ** index), 0);
        called.set(joinKey(name, ...keys), [atMs, order++, failures]);
      }
      return new Map([
        ['followers', followers.save()],
        ['sessions', called],
        [
          'weights',
          new Map(
            weights.flatMap((own, situation) =>
              [...own].map((weight, expert) => [`${situation} ${EXPERTS[expert]!}`, [trials[situation]!, weight]] as const),
            ),
          ),
        ],
        ['blend', new Map(BLENDED.map((feature, index) => [feature, [blendTrials, blend[index]!, squares[index]!]] as const))],
        ['trial', new Map([['last', [triedAtMs]]])],
        [CALIBRATION_TABLE.name, calibration.save()],
        [TALLY_TABLE.name, tally.save()],
      ]);
    },
    load: (state) => {
      followers.load(state.get('followers'));
      sessions = new Map();
      for (const [joined, [atMs = 0, , failures = 0]] of [...(state.get('sessions') ?? [])].toSorted(([, a], [, b]) => a[1]! - b[1]!)) {
        const [name = '', ...parts] = splitKey(joined);
        const keys = parts.flatMap((part, index) => (index % 2 === 0 ? [joinKey(part, parts[index + 1] ?? '')] : []));
        const ok = keys.map((_, index) => Math.floor(failures / 2 ** index) % 2 === 0);
        sessions.set(name, { atMs, keys, ok, contexts: contextsOf(keys, LONGEST) });
      }
      for (const [situation, own] of weights.entries()) {
        for (const [expert, name] of EXPERTS.entries()) {
          const [tried, weight] = state.get('weights')?.get(`${situation} ${name}`) ?? [0, START[expert]!];
          trials[situation] = tried!;
          own[expert] = weight!;
        }
      }
      for (const [index, feature] of BLENDED.entries()) {
        const [tried, weight, square] = state.get('blend')?.get(feature) ?? [0, BLEND_START[index]!, 1];
        blendTrials = tried!;
        blend[index] = weight!;
        squares[index] = square!;
      }
      popular = bestOf(followers.get(EVERYTHING), POPULAR);
      triedAtMs = state.get('trial')?.get('last')?.[0] ?? 0;
      calibration.load(state.get(CALIBRATION_TABLE.name));
      tally.load(state.get(TALLY_TABLE.name));
    },
  };
}

// How much each expert counts changes slowly, and trying them takes most of the time. Scattered, so that no rhythm of calls hides.
function isTried(calls: number): boolean {
  return Math.imul(calls, 0x9e_37_79_b1) >>> 30 === 0;
}

function situationOf(seen: number, isAskedFor: boolean): number {
  let grade = 0;
  while (grade < GRADES.length && seen >= GRADES[grade]!) grade++;
  return 2 * grade + (isAskedFor ? 1 : 0);
}

function softmax(values: Float64Array): void {
  let top = -Infinity;
  for (const value of values) top = Math.max(top, value);
  for (let index = 0; index < values.length; index++) values[index] = Math.exp(values[index]! - top);
  normalize(values);
}

function normalize(values: Float64Array): void {
  let sum = 0;
  for (const value of values) sum += value;
  if (sum > 0) for (let index = 0; index < values.length; index++) values[index]! /= sum;
}
