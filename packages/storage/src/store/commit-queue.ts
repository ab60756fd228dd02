import type { GatewayError, StoreOperation } from '@signalbox/core';
import { checkOperations, closed } from './checks.ts';

export type Operations = readonly StoreOperation[];
/** What became of one commit of a group. */
export type CommitOutcome = readonly number[] | GatewayError;

export interface CommitQueueOptions {
  readonly kind: string;
  /** Makes several commits durable at once. When it rejects, none of them has happened. */
  readonly write: (group: readonly Operations[]) => Promise<readonly CommitOutcome[]>;
}

export interface CommitQueue {
  commit(operations: Operations): Promise<readonly number[]>;
  /** Refuses what comes and waits for what has come. */
  close(): Promise<void>;
}

interface Waiting {
  readonly operations: Operations;
  readonly bytes: number;
  readonly resolve: (numbers: readonly number[]) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_COMMITS = 1024;
const MAX_BYTES = 16 * 1024 * 1024;

/** Lets commits that come while others are being written share one wait for the disk. Their order is kept. */
export function createCommitQueue({ kind, write }: CommitQueueOptions): CommitQueue {
  let waiting: Waiting[] = [];
  let isBusy = false;
  let isClosed = false;
  let whenIdle: (() => void)[] = [];

  const take = (): Waiting[] => {
    let bytes = 0;
    let count = 0;
    while (count < waiting.length && count < MAX_COMMITS && (count === 0 || bytes + waiting[count]!.bytes <= MAX_BYTES))
      bytes += waiting[count++]!.bytes;
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  };
  const writeGroup = async (): Promise<void> => {
    const group = take();
    try {
      const outcomes = await write(group.map(({ operations }) => operations));
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index]!;
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    proceed();
  };
  const proceed = (): void => {
    isBusy = waiting.length > 0;
    // Those whose commits have just settled often commit again at once: they join this group.
    if (isBusy) return void setImmediate(writeGroup);
    for (const resolve of whenIdle) resolve();
    whenIdle = [];
  };

  return {
    commit: (operations) =>
      new Promise((resolve, reject) => {
        if (isClosed) throw closed(kind);
        checkOperations(operations);
        if (operations.length === 0) return resolve([]);
        waiting.push({ operations, bytes: bytesOf(operations), resolve, reject });
        if (!isBusy) proceed();
      }),
    close: async () => {
      isClosed = true;
      if (isBusy) await new Promise<void>((resolve) => whenIdle.push(resolve));
    },
  };
}

function bytesOf(operations: Operations): number {
  let bytes = 0;
  for (const operation of operations) {
    if (operation.kind === 'put') bytes += operation.value.length;
    if (operation.kind === 'append') for (const { length } of operation.values) bytes += length;
  }
  return bytes;
}
