import type { MessagePort } from 'node:worker_threads';
import { GatewayError, toGatewayError, type ErrorCode, type ErrorData, type LogEntry, type Store, type StoreEntry } from '@signalbox/core';

/** Of a store, what learning uses. */
export type LearningStore = Pick<Store, 'get' | 'list' | 'read' | 'span' | 'commit'>;

type Method = keyof LearningStore;

interface Request {
  readonly id: number;
  readonly method: Method;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly code: ErrorCode; readonly message: string; readonly data: ErrorData | undefined } };

/** Answers for a store to another thread, until the port is closed. */
export function serveStore(port: MessagePort, store: LearningStore): void {
  port.on('message', ({ id, method, args }: Request) => {
    const run = store[method].bind(store) as (...given: readonly unknown[]) => Promise<unknown>;
    run(...args.map(toBuffers)).then(
      (value) => port.postMessage({ id, value } satisfies Reply),
      (thrown: unknown) => {
        const { code, message, data } = toGatewayError(thrown);
        port.postMessage({ id, error: { code, message, data } } satisfies Reply);
      },
    );
  });
}

/** The store of another thread, behind a port that `serveStore` answers. */
export function createRemoteStore(port: MessagePort): LearningStore {
  const waiting = new Map<number, { readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }>();
  let last = 0;
  port.on('message', (reply: Reply) => {
    const { resolve, reject } = waiting.get(reply.id)!;
    waiting.delete(reply.id);
    if ('error' in reply)
      reject(new GatewayError(reply.error.code, reply.error.message, { ...(reply.error.data && { data: reply.error.data }) }));
    else resolve(toBuffers(reply.value));
  });
  const ask = <Value>(method: Method, ...args: readonly unknown[]): Promise<Value> =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve: resolve as (value: unknown) => void, reject });
      port.postMessage({ id: last, method, args } satisfies Request);
    });
  return {
    get: (...args) => ask<StoreEntry | undefined>('get', ...args),
    list: (...args) => ask<readonly StoreEntry[]>('list', ...args),
    read: (...args) => ask<readonly LogEntry[]>('read', ...args),
    span: (...args) => ask('span', ...args),
    commit: (...args) => ask('commit', ...args),
  };
}

// On their way to another thread Buffers become plain arrays of bytes.
function toBuffers(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(toBuffers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, toBuffers(member)]));
}
