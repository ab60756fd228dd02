import type { Worker } from 'node:cluster';
import { sayEveryEnd } from './channel-end.ts';
import type { Move } from './messages.ts';

/** A connection as libuv knows it. To close it again does nothing. */
export interface Handle {
  close(): void;
}

/** Connections on their way to one worker. */
export interface Handing {
  /** Gives it a connection, which is ours until it is out. */
  give(order: Move, handle: Handle): void;
}

export interface HandingWatcher {
  /** Called when a new connection sets out. */
  onNew(): void;
  /** Called with each connection the worker has seen nothing of; it is its owner's again. */
  onUnsent(order: Move, handle: Handle): void;
}

const GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'ERR_IPC_CHANNEL_CLOSED']);

/**
 * Sees to it that no connection on its way to a worker is forgotten when the worker dies, as its client would wait without end.
 * Node forgets a new one that the worker has not said it has, and those that wait for the receipt of one before them.
 */
export function watchHanding({ process: child }: Worker, { onNew, onUnsent }: HandingWatcher): Handing {
  const unsent = new Map<Handle, Move>();
  /** The last new one. There is no other before the worker has said that it has it. */
  let unconfirmed: Handle | undefined;

  const send = child.send.bind(child) as (message: unknown, handle?: unknown, ...rest: readonly unknown[]) => boolean;
  const give = (message: unknown, order: Move, { handle, onOut }: { readonly handle: Handle; onOut?(): void }): boolean => {
    unsent.set(handle, order);
    return send(message, handle, {}, (error: NodeJS.ErrnoException | null) => {
      // One that finds the worker gone stays until that is said.
      if (GONE.has(error?.code ?? '') || !unsent.delete(handle)) return;
      if (error === null) onOut?.();
      else handle.close();
    });
  };
  child.send = (message: { readonly act?: unknown }, handle?: unknown, ...rest: readonly unknown[]) => {
    if (message.act !== 'newconn') return send(message, handle, ...rest);
    unconfirmed = handle as Handle;
    onNew();
    return give(message, { kind: 'move', to: '', unread: '', moves: 0 }, { handle: unconfirmed });
  };

  sayEveryEnd(child);
  child.once('disconnect', () => {
    // The worker may have read from one that is out, so nobody else can go on with it.
    if (unconfirmed !== undefined && !unsent.has(unconfirmed)) unconfirmed.close();
    const left = [...unsent];
    unsent.clear();
    for (const [handle, order] of left) onUnsent(order, handle);
  });

  return { give: (order, handle) => void give(order, order, { handle, onOut: () => handle.close() }) };
}
