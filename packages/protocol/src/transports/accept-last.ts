import { connect } from 'node:net';

/** A socket that listens. */
export interface Listener {
  /** As libuv knows it, of which Node has no public form. */
  readonly handle: { readonly listen?: ((backlog: number) => number) | undefined } | null | undefined;
  readonly address: { readonly address: string; readonly port: number };
  /** Calls `listener` at each connection that is accepted. Returns its own stop function. */
  watch(listener: () => void): () => void;
}

/** Longest wait until nobody waits to be accepted, in milliseconds. */
const ACCEPT_MS = 10_000;

/**
 * Resolves when nobody waits to be accepted, and whoever closes the listener at once breaks off nobody: those that wait then are
 * reset, with the requests they bring. A turn of the event loop accepts one connection of those the system has made (libuv since 1.45).
 */
export async function acceptLast({ handle, address, watch }: Listener): Promise<void> {
  // The system now makes one connection at most that is not accepted yet. Others have to try again, and are refused when the listener
  // is closed by then, before they have sent anything.
  handle?.listen?.(0);
  let accepted = 0;
  const stopCounting = watch(() => void accepted++);
  const begunAt = performance.now();
  // The turn that we are in may have accepted before it came to us: it says nothing.
  await turnOfLoop();
  for (let before = -1; before !== accepted && performance.now() - begunAt < ACCEPT_MS;) {
    before = accepted;
    await turnOfLoop();
  }
  stopCounting();
  // Since the turn began, one more may have come. None is left right after one was accepted, so we connect ourselves.
  const own = connect(address.port, address.address);
  own.on('error', () => undefined);
  await new Promise<unknown>((resolve) => {
    const stopWatching = watch(() => {
      stopWatching();
      resolve(undefined);
    });
    own.once('close', resolve);
    own.setTimeout(ACCEPT_MS, () => own.destroy());
  });
  own.destroy();
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
