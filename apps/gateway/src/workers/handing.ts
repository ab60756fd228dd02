import type { Worker } from 'node:cluster';
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

/**
 * Sees to it that no connection on its way to a worker is forgotten when the worker dies, as its client would wait without end.
 * Node forgets three kinds: a new one that the worker has not said it has, those that wait for the receipt of one before
 * them, and, as it then forgets to say that the worker is gone as well, one that it goes on to give to it.
 * @param onUnsent Called with each connection the worker has seen nothing of; it is its owner's again.
 */
export function watchHanding({ process: child }: Worker, onUnsent: (order: Move, handle: Handle) => void): Handing {
  const unsent = new Map<Handle, Move>();
  /** The last new one. There is no other before the worker has said that it has it. */
  let unconfirmed: Handle | undefined;
  let isGone = false;

  const send = child.send.bind(child) as (message: unknown, handle?: unknown, ...rest: readonly unknown[]) => boolean;
  const give = (message: unknown, order: Move, { handle, onOut }: { readonly handle: Handle; onOut?(): void }): boolean => {
    unsent.set(handle, order);
    return send(message, handle, {}, (error: Error | null) => {
      if (error === null && unsent.delete(handle)) onOut?.();
    });
  };
  child.send = (message: { readonly act?: unknown }, handle?: unknown, ...rest: readonly unknown[]) => {
    if (message.act !== 'newconn') return send(message, handle, ...rest);
    unconfirmed = handle as Handle;
    return give(message, { kind: 'move', to: '', unread: '', moves: 0 }, { handle: unconfirmed });
  };

  const disconnect = child.disconnect.bind(child);
  // Node calls this at the end of the channel, and tells nobody while a receipt is outstanding.
  child.disconnect = () => {
    disconnect();
    process.nextTick(() => {
      if (!isGone) child.emit('disconnect');
    });
  };
  child.once('disconnect', () => {
    isGone = true;
    // The worker may have read from one that is out, so nobody else can go on with it.
    if (unconfirmed !== undefined && !unsent.has(unconfirmed)) unconfirmed.close();
    const left = [...unsent];
    unsent.clear();
    for (const [handle, order] of left) onUnsent(order, handle);
  });

  return { give: (order, handle) => void give(order, order, { handle, onOut: () => handle.close() }) };
}
