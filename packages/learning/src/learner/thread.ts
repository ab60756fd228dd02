import { constants, setPriority } from 'node:os';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { GatewayError, toGatewayError, toMessage } from '@signalbox/core';
import type { PlanQuestion } from '../cache-advice/freshness-model.ts';
import type { RepairQuestion } from '../repair/repair-model.ts';
import { ExperimentBook } from '../experiments/experiment-book.ts';
import { scopeStore } from '../model-store/scope-store.ts';
import type { SearchDay } from '../search/search-quality.ts';
import type { CallPlansByContext } from '../sequences/call-plans.ts';
import { openRingReader } from '../ring/ring.ts';
import { encodeSearchSnapshot } from '../search/search-snapshot.ts';
import { behaviourOf, readAnomalies, takeOpinion, type AnomalyOpinion, type AnomalyQuestion } from './anomaly-questions.ts';
import { createAllModels, type AllModels } from './all-models.ts';
import { createExperimentQuestions } from './experiment-questions.ts';
import type { FactFilter } from './fact-log.ts';
import { JointModels, type AdvisingModels } from './joint-models.ts';
import { Learner } from './learner.ts';
import type { LearnerReading, Question, ThreadData, ThreadMessage } from './messages.ts';
import type { ToldNext } from './next-steps.ts';
import { createWorkClock } from './processor-time.ts';
import { createRemoteStore } from './remote-store.ts';
import { toToolAdvice } from './tool-advice.ts';

/** Facts between two looks at the clock. */
const SLICE = 200;
const IDLE_MS = 50;
/** Longest time without a sign of life while it rests. */
const REST_MS = 200;
const FLUSH_MS = 1_000;
const TIDY_MS = 3_600_000;
/** Time between two looks at what experiments show. */
const EVALUATE_MS = 1_000;
/** Least time between two publications of advice, and how many times as long as one takes. */
const ADVICE_MS = 1_000;
const ADVICE_PAUSE = 20;
/** The same of what is said of single tools, which needs a look at all of them. */
const TOOL_ADVICE_MS = 2_000;
/** The same of what sessions do next, which they do not within less. */
const NEXT_MS = 250;
const ROW_OVERHEAD_BYTES = 4;

/** Runs in the thread of its own: learns what comes through the ring, within its share of a core, and answers questions. */
export async function runLearner(): Promise<void> {
  const { ring, beat, store: port, scope, maxFacts, commitMs, maxCpuShare, models, tellsAgain } = workerData as ThreadData;
  const beats = new Int32Array(beat);
  const say = (message: ThreadMessage): void => parentPort!.postMessage(message);
  const breathe = async (): Promise<void> => {
    Atomics.add(beats, 0, 1);
    await setImmediate();
  };
  const sharedStore = createRemoteStore(port);
  const store = scopeStore(sharedStore, scope);
  const createModels = () => createAllModels(models);
  const onTrouble = (message: string): void => say({ kind: 'trouble', message });
  const joint =
    scope === undefined ? undefined : await JointModels.open({ store: sharedStore, scope, now: Date.now, createModels, onTrouble });
  const learner = await Learner.open({
    createModels,
    store,
    now: Date.now,
    maxFacts,
    breathe,
    onFact: joint && ((fact) => joint.observe(fact)),
  });
  const book = await ExperimentBook.open(store);
  const trials = () => learner.models.experiments.trials;
  const more: Questions = createExperimentQuestions(book, { now: Date.now, trials });
  const reader = openRingReader({ memory: ring });
  const questions: Question[] = [];
  let isClosing = false;
  parentPort!.on('message', (message: Question | 'close') => {
    if (message === 'close') isClosing = true;
    else questions.push(message);
  });
  say({ kind: 'ready' });
  yieldToOthers();

  const retry = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      onTrouble(toMessage(error));
    }
  };
  // In pieces, so that whoever rests long from a long question is not held for hung.
  const rest = async (restMs: number): Promise<void> => {
    Atomics.add(beats, 0, 1);
    await setTimeout(isClosing ? 0 : Math.min(REST_MS, restMs));
    if (restMs > REST_MS && !isClosing) await rest(restMs - REST_MS);
  };
  const publish = createPublisher({ learner, joint, book, say });
  const tell = createTeller({ learner, tellsAgain, say });
  const worked = createWorkClock();
  const startedAt = performance.now();
  let restedFor = worked();
  let [flushedAt, committedAt, tidiedAt, evaluatedAt] = [startedAt, startedAt, startedAt, startedAt];
  for (;;) {
    Atomics.add(beats, 0, 1);
    let isFull = false;
    const count = reader.read((bytes) => void (isFull = learner.observe(bytes) || isFull), SLICE);
    for (const question of questions.splice(0)) await answer(question, { learner, more, say, breathe, worked, others: joint?.others ?? 0 });
    if (book.size > 0 && !learner.isFrozen && performance.now() - evaluatedAt > EVALUATE_MS) {
      await retry(() => book.evaluate(trials(), Date.now()));
      evaluatedAt = performance.now();
    }
    tell();
    publish();
    const now = performance.now();
    if (isFull || now - flushedAt > FLUSH_MS) {
      await retry(() => learner.flush());
      flushedAt = now;
    }
    if (now - committedAt > commitMs) {
      await retry(() => learner.commit(`after ${learner.counts.learned} facts`));
      if (joint !== undefined && !learner.isFrozen) await retry(() => joint.look(learner.models));
      committedAt = performance.now();
    } else if (count === 0 && now - tidiedAt > TIDY_MS) {
      await retry(() => learner.tidy());
      tidiedAt = now;
    }
    if (isClosing && !reader.hasMore) break;
    // What it has worked for, it rests in proportion to.
    const workedMs = worked();
    const restMs = count === 0 ? IDLE_MS : (workedMs - restedFor) * (1 / maxCpuShare - 1);
    restedFor = workedMs;
    await (restMs < 1 && !isClosing ? setImmediate() : rest(restMs));
  }
  await retry(() => learner.commit('at the end'));
  port.close();
  parentPort!.close();
}

// Whatever serves calls goes first. On Linux the priority is that of this thread alone; elsewhere it is the process's and must stay.
function yieldToOthers(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Its share of the processor bounds it as well.
  }
}

interface PublisherParts {
  readonly learner: Learner<AllModels>;
  readonly joint: JointModels | undefined;
  readonly book: ExperimentBook;
  readonly say: (message: ThreadMessage) => void;
}

/** Publishes what the path may go by, when it has changed and not too often. */
function createPublisher({ learner, joint, book, say }: PublisherParts): () => void {
  let version = 0;
  let nextAt = 0;
  let toolsAt = 0;
  // What was said last, and from how many facts.
  const modelsNow = (): AdvisingModels => joint?.models ?? learner.models;
  let said = { models: modelsNow(), learned: 0, ofTools: 0, ofSimilarity: -1 };
  let [revision, wasFrozen] = [0, false];
  return () => {
    const { isFrozen } = learner;
    const models = modelsNow();
    const similarity = models.similarity.model;
    const { learned } = learner.counts;
    const begun = performance.now();
    // Who is on trial changes at once.
    const isUrgent = book.revision !== revision || (book.size > 0 && isFrozen !== wasFrozen);
    const isOther = said.models !== models;
    const isToolsDue = isOther || (said.ofTools !== learned && begun >= toolsAt);
    // Others may know something before this gateway does.
    const isKnowing = learned > 0 || models !== learner.models;
    const isDue = begun >= nextAt && isKnowing && (isToolsDue || said.learned !== learned);
    if (!isUrgent && !isDue) return;
    if (isToolsDue) {
      say({ kind: 'tools', tools: toToolAdvice({ ...models, next: learner.models.next }) });
      // Most traffic teaches nothing of it, so it is not said each time.
      if (isOther || similarity.revision !== said.ofSimilarity) say({ kind: 'similarity', state: similarity.save() });
      toolsAt = begun + TOOL_ADVICE_MS;
    }
    version = Math.max(version + 1, learned);
    say({ kind: 'advice', version, search: encodeSearchSnapshot(models.search.model), experiments: book.inForce(isFrozen) });
    said = {
      models,
      learned,
      ofTools: isToolsDue ? learned : said.ofTools,
      ofSimilarity: isToolsDue ? similarity.revision : said.ofSimilarity,
    };
    [revision, wasFrozen] = [book.revision, isFrozen];
    const now = performance.now();
    nextAt = now + Math.max(ADVICE_MS, ADVICE_PAUSE * (now - begun));
  };
}

/** Tells what is abnormal, and what sessions do next, once: not again when facts are learned anew after a start, or to forget some. */
function createTeller({ learner, tellsAgain, say }: Pick<PublisherParts, 'learner' | 'say'> & Pick<ThreadData, 'tellsAgain'>): () => void {
  let { models } = learner;
  models.behaviour?.takeNew();
  models.behaviour?.takeAgain();
  models.next.takeTold();
  let nextAt = 0;
  const takeNext = (): readonly ToldNext[] => {
    const now = performance.now();
    if (now < nextAt) return [];
    nextAt = now + NEXT_MS;
    return learner.models.next.takeTold();
  };
  return () => {
    const { behaviour } = learner.models;
    const told = takeNext();
    const anomalies = behaviour?.takeNew() ?? [];
    const again = behaviour?.takeAgain() ?? [];
    if (learner.models === models) {
      for (const anomaly of anomalies) say({ kind: 'anomaly', anomaly });
      if (told.length > 0) say({ kind: 'next', told });
      if (tellsAgain) for (const anomaly of again) say({ kind: 'anomaly-again', anomaly });
    }
    ({ models } = learner);
  };
}

type Questions = Readonly<Record<string, (argument: never) => unknown>>;

interface Answering {
  readonly learner: Learner<AllModels>;
  readonly more: Questions;
  readonly say: (message: ThreadMessage) => void;
  readonly breathe: () => Promise<void>;
  readonly worked: () => number;
  /** Gateways that have a part in what is advised. */
  readonly others: number;
}

async function answer({ id, name, argument }: Question, { learner, more, say, ...thread }: Answering): Promise<void> {
  try {
    const [run, other] = [QUESTIONS[name], more[name]];
    if (run === undefined && other === undefined) throw new GatewayError('INTERNAL', `Learning does not know the question "${name}"`);
    say({ kind: 'reply', id, value: await (run === undefined ? other!(argument as never) : run(learner, argument as never, thread)) });
  } catch (thrown) {
    const { code, message } = toGatewayError(thrown);
    say({ kind: 'refusal', id, code, message });
  }
}

const QUESTIONS: Readonly<
  Record<string, (learner: Learner<AllModels>, argument: never, thread: Pick<Answering, 'breathe' | 'worked' | 'others'>) => unknown>
> = {
  read: (learner, _: unknown, { worked, others }): LearnerReading => {
    const { learned, kept, head } = learner.counts;
    return {
      isFrozen: learner.isFrozen,
      learned,
      kept,
      head,
      cpuSeconds: worked() / 1000,
      others,
      nextTool: learner.models.next.model.counts,
      models: sizesOf(learner.models),
    };
  },
  outcomes: (learner) => learner.models.outcomes.reports(),
  arms: (learner) => learner.models.fallbacks.arms(),
  risks: (learner) => learner.models.runs.risks(),
  next: (learner, { after, limit }: { after: readonly { upstream: string; tool: string }[]; limit: number }) =>
    after.map((each) => learner.models.sequences.next(each, limit)),
  plans: (learner, questions: readonly PlanQuestion[]) => questions.map((question) => learner.models.freshness.model.plan(question)),
  repairs: (learner, questions: readonly RepairQuestion[]) => questions.map((question) => learner.models.repair.model.repairs(question)),
  anomalies: (learner, question: AnomalyQuestion) => readAnomalies(behaviourOf(learner), question),
  anomalyFeedback: (learner, opinion: AnomalyOpinion) => takeOpinion(learner, opinion),
  clusters: (learner, _: unknown, { breathe }) => learner.models.sessions.cluster(breathe),
  surfaces: (learner, limit: number) => learner.models.surfaces.reports(limit),
  ahead: (learner): CallPlansByContext => learner.models.plans.plans(),
  quality: (learner, limit: number): readonly SearchDay[] => learner.models.quality.days(limit),
  sequences: (learner, limit: number) => learner.models.sequences.frequent(limit),
  log: (learner, limit: number) => learner.log(limit),
  diff: async (learner, { from, to, limit }: { from: string; to: string; limit: number }) => {
    const difference = await learner.diff(from, to);
    const count = (is: (row: (typeof difference.rows)[number]) => boolean) => difference.rows.filter(is).length;
    return {
      from: difference.from.id,
      to: difference.to.id,
      added: count(({ before }) => before === undefined),
      removed: count(({ after }) => after === undefined),
      changed: count(({ before, after }) => before !== undefined && after !== undefined),
      rows: difference.rows.slice(0, limit),
    };
  },
  rollBack: async (learner, to: string) => ({ commit: (await learner.rollBack(to)).id }),
  tag: async (learner, { name, commit }: { name: string; commit?: string }) => ({ name, commit: (await learner.tag(name, commit)).id }),
  untag: (learner, name: string) => learner.untag(name),
  freeze: (learner, isFrozen: boolean) => learner.setFrozen(isFrozen),
  forget: (learner, filter: FactFilter) => learner.forget(filter),
  replay: (learner) => learner.replay(),
};

function sizesOf(models: AllModels): LearnerReading['models'] {
  return Object.entries(models).map(([name, model]) => {
    let [rows, bytes] = [0, 0];
    for (const table of model.save().values()) {
      rows += table.size;
      for (const [key, row] of table) bytes += key.length + 8 * row.length + ROW_OVERHEAD_BYTES;
    }
    return { name, rows, bytes };
  });
}
