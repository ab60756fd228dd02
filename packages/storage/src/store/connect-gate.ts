import type { Clock } from '@signalbox/core';

export interface ConnectGate {
  /** Why the last attempt failed, or `undefined` when it did not. */
  readonly failure: unknown;
  /** How long until the next attempt may be made, in milliseconds. */
  readonly waitMs: number;
  /** Connects when its turn comes. Fails at once with the last failure while it is too early. */
  pass<Connection>(connect: () => Promise<Connection>): Promise<Connection>;
  /** A connection was lost: the next attempt has to wait a little. */
  lost(cause: unknown): void;
}

const FIRST_MS = 250;
const LONGEST_MS = 1000;

/** Sees to it that a server that is away, or comes back, is not stormed: one attempt at a time, at most four a second. */
export function createConnectGate(clock: Clock): ConnectGate {
  let failure: unknown;
  let backoffMs = FIRST_MS;
  let openAt = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const fail = (cause: unknown): void => {
    failure = cause;
    openAt = clock.monotonic() + backoffMs;
  };
  const attempt = async <Connection>(connect: () => Promise<Connection>): Promise<Connection> => {
    if (failure !== undefined && clock.monotonic() < openAt) throw failure;
    try {
      const connection = await connect();
      failure = undefined;
      backoffMs = FIRST_MS;
      return connection;
    } catch (error) {
      fail(error);
      backoffMs = Math.min(backoffMs * 2, LONGEST_MS);
      throw error;
    }
  };
  return {
    get failure() {
      return failure;
    },
    get waitMs() {
      return failure === undefined ? 0 : Math.max(0, openAt - clock.monotonic());
    },
    pass: (connect) => {
      const done = turn.then(() => attempt(connect));
      turn = done.catch(() => undefined);
      return done;
    },
    lost: (cause) => {
      if (failure === undefined) fail(cause);
    },
  };
}
