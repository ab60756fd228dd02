import { deserialize, serialize } from 'node:v8';
import type { MonitorPart, ProcessReading, ProfileKind, WorkerReading } from '@signalbox/control-plane';
import { GatewayError, toGatewayError, toMessage, type ErrorCode } from '@signalbox/core';
import { readLatencies, sumLatencies, type LatencyCounts } from './latency-sketch.ts';
import { NOBODY, type Monitor } from './monitor.ts';

/** The other workers, for the one that answers for all. */
export interface OtherWorkers {
  /** How many there are, this one included. */
  readonly count: number;
  /** Asks one by its number, from 1; `undefined` while it is being started. @throws Error when it does not answer. */
  readonly ask: (worker: number, question: Buffer, waitMs: number) => Promise<Buffer | undefined>;
}

type Question = { readonly kind: 'read' } | { readonly kind: 'profile'; readonly of: ProfileKind; readonly seconds: number };

interface Told {
  readonly process: ProcessReading;
  readonly latencies: ReadonlyMap<string, LatencyCounts>;
}

type Answer =
  | ({ readonly kind: 'reading' } & Told)
  | { readonly kind: 'profile'; readonly text: string }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string };

/** Whoever takes longer is too busy to be waited for, which is worth telling. */
const READ_MS = 1_000;
/** What a profile takes beside its time: it is collected and written down. */
const PROFILE_MARGIN_MS = 20_000;

/** How all processes fare, from the monitor of the first one and what the others answer when they are asked. */
export function createJointMonitor(own: Monitor, others: OtherWorkers | undefined): MonitorPart {
  const count = others?.count ?? 1;
  const ask = async (worker: number, question: Question, waitMs: number): Promise<Answer | undefined> => {
    const answer = await others!.ask(worker, serialize(question), waitMs);
    return answer && (deserialize(answer) as Answer);
  };
  const readOther = async (worker: number): Promise<Told | undefined> => {
    const answer = await ask(worker, { kind: 'read' }, READ_MS).catch(() => undefined);
    return answer?.kind === 'reading' ? answer : undefined;
  };
  return {
    read: async () => {
      const numbers = Array.from({ length: count - 1 }, (_, index) => index + 2);
      const told = [{ process: own.read(), latencies: own.latencies() }, ...(await Promise.all(numbers.map(readOther)))];
      const all = told.flatMap((each, index) => (each === undefined ? [] : [{ ...each, worker: index + 1 }]));
      const answered = new Set(all.map(({ worker }) => worker));
      return {
        workers: all.map(toWorkerReading),
        silent: numbers.filter((number) => !answered.has(number)),
        ...joinLatencies(all.map(({ latencies }) => latencies)),
      };
    },
    profile: async (kind, { seconds, worker }) => {
      if (worker === 1) return own.profile(kind, seconds);
      if (worker > count) throw new GatewayError('UNKNOWN_NAME', `There is no worker ${worker}: this gateway has ${count}`);
      const cannot = (why: string, cause?: unknown) =>
        new GatewayError('OVERLOADED', `Cannot take a profile of worker ${worker}: ${why}`, { cause });
      const answer = await ask(worker, { kind: 'profile', of: kind, seconds }, seconds * 1_000 + PROFILE_MARGIN_MS).catch(
        (error: unknown) => {
          throw cannot(`it did not answer (${toMessage(error)})`, error);
        },
      );
      if (answer?.kind === 'profile') return answer.text;
      throw answer?.kind === 'refused' ? new GatewayError(answer.code, answer.message) : cannot('it is being started');
    },
  };
}

/** Answers what the first worker asks another one. */
export function createMonitorAnswer(own: Monitor): (question: Buffer) => Promise<Buffer> {
  const answer = async (question: Question): Promise<Answer> => {
    if (question.kind === 'read') return { kind: 'reading', process: own.read(), latencies: own.latencies() };
    return { kind: 'profile', text: await own.profile(question.of, question.seconds) };
  };
  return async (bytes) => {
    try {
      return serialize(await answer(deserialize(bytes) as Question));
    } catch (error) {
      const { code, message } = toGatewayError(error);
      return serialize({ kind: 'refused', code, message } satisfies Answer);
    }
  };
}

function toWorkerReading({ worker, process, latencies }: Told & { readonly worker: number }): WorkerReading {
  return { worker, ...process, calls: readLatencies(sumLatencies(latencies.values())) };
}

function joinLatencies(told: readonly Told['latencies'][]): Pick<Awaited<ReturnType<MonitorPart['read']>>, 'upstreams' | 'all'> {
  const upstreams = new Map<string, LatencyCounts[]>();
  for (const [name, counts] of told.flatMap((latencies) => [...latencies])) {
    const known = upstreams.get(name);
    if (known === undefined) upstreams.set(name, [counts]);
    else known.push(counts);
  }
  const named = [...upstreams].filter(([name]) => name !== NOBODY);
  return {
    upstreams: Object.fromEntries(named.map(([name, counts]) => [name, readLatencies(sumLatencies(counts))])),
    all: readLatencies(sumLatencies([...upstreams.values()].flat())),
  };
}
