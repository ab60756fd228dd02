import { Worker } from 'node:worker_threads';
import { GatewayError, toMessage } from '@signalbox/core';
import { stale } from './checks.ts';
import type { CommitOutcome, Operations } from './commit-queue.ts';
import { toReason } from './sqlite-database.ts';

export interface SqliteWriter {
  /** @returns what became of each commit, and the number that this group's changes are marked with. */
  write(group: readonly Operations[]): Promise<{ readonly outcomes: readonly CommitOutcome[]; readonly changed: number }>;
  /** Idempotent. */
  close(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly outcomes?: readonly (readonly number[] | { readonly operation: number; readonly found: number })[];
  readonly changed?: number;
  readonly failure?: { readonly message: string; readonly errcode: number; readonly isUncertain: boolean };
}

interface Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** How long a commit waits for another process that writes to the same file. */
const BUSY_MS = 5000;

/** Hands groups of commits to a thread that writes to the file. The thread begins with the first of them. */
export function createSqliteWriter({ path, checkpointBytes }: { readonly path: string; readonly checkpointBytes: number }): SqliteWriter {
  const asked = new Map<number, Asked>();
  let worker: Worker | undefined;
  let lastId = 0;

  const abandon = (from: Worker, cause: unknown): void => {
    if (worker === from) worker = undefined;
    const error = new GatewayError('STORE_UNAVAILABLE', `Cannot write to "${path}": its writer has ended: ${toMessage(cause)}`, {
      cause,
      data: { uncertain: true },
    });
    for (const { reject } of asked.values()) reject(error);
    asked.clear();
  };
  const start = (): Worker => {
    const started = new Worker(new URL('../../worker/sqlite-writer.js', import.meta.url), {
      name: 'store',
      workerData: { path, busyMs: BUSY_MS, checkpointBytes },
      execArgv: [],
    });
    started.on('message', (answer: Answer) => {
      const waiting = asked.get(answer.id);
      asked.delete(answer.id);
      // One that is being closed is waited for.
      if (asked.size === 0 && worker === started) started.unref();
      waiting?.resolve(answer);
    });
    started.on('error', (error) => abandon(started, error));
    started.on('exit', (code) => abandon(started, `exit code ${code}`));
    return started;
  };
  const ask = (message: object, transfer: readonly ArrayBuffer[]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      worker ??= start();
      const id = (lastId += 1);
      asked.set(id, { resolve, reject });
      // A thread that has nothing to do must not keep the process alive, one that writes must.
      worker.ref();
      worker.postMessage({ ...message, id }, transfer);
    });

  return {
    write: async (group) => {
      const { commits, values } = pack(group);
      const { outcomes, changed = 0, failure } = await ask({ kind: 'write', commits, values }, [values]);
      if (failure !== undefined || outcomes === undefined) {
        const isUncertain = failure?.isUncertain === true;
        throw new GatewayError(
          'STORE_UNAVAILABLE',
          `Cannot write to the store "${path}": ${toReason(failure)}${isUncertain ? '; it is not known whether the commit has happened' : ''}`,
          { cause: failure, ...(isUncertain && { data: { uncertain: true } }) },
        );
      }
      return {
        changed,
        outcomes: outcomes.map((outcome, index) =>
          'found' in outcome ? stale(group[index]![outcome.operation]!, outcome.operation, outcome.found) : outcome,
        ),
      };
    },
    close: async () => {
      const ending = worker;
      worker = undefined;
      if (ending === undefined) return;
      ending.ref();
      const ended = new Promise((resolve) => ending.once('exit', resolve));
      ending.postMessage({ kind: 'close' });
      await ended;
    },
  };
}

// One block of memory changes hands with a message, however many values it holds; the callers' own stay as they are.
function pack(group: readonly Operations[]): { readonly commits: readonly unknown[]; readonly values: ArrayBuffer } {
  const parts: Buffer[] = [];
  let bytes = 0;
  const add = (value: Buffer): number => {
    parts.push(value);
    bytes += value.length;
    return bytes - value.length;
  };
  const commits = group.map((operations) =>
    operations.map((operation) => {
      if (operation.kind === 'put') {
        const { value, ...rest } = operation;
        return { ...rest, offset: add(value), length: value.length };
      }
      if (operation.kind !== 'append') return operation;
      const { values, ...rest } = operation;
      const offset = bytes;
      for (const value of values) add(value);
      return { ...rest, offset, lengths: values.map(({ length }) => length) };
    }),
  );
  const values = new ArrayBuffer(bytes);
  const target = Buffer.from(values);
  let offset = 0;
  for (const part of parts) offset += part.copy(target, offset);
  return { commits, values };
}
