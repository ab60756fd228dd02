import { setImmediate as nextTurn } from 'node:timers/promises';
import { GatewayError } from '@signalbox/core';

/** Work on large values, which yields wherever others may take their turn. */
export type Gentle<Result> = Generator<void, Result>;

/** Bytes worked on between two turns: a few milliseconds. */
export const TURN_BYTES = 1_048_576;

/**
 * Does gentle work to its end, letting others take their turns in between. What needs no pause is done at once.
 * @throws GatewayError `CANCELLED` when the signal aborts in between.
 */
export async function doGently<Result>(work: Gentle<Result>, signal?: AbortSignal): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await nextTurn();
    if (signal?.aborted === true) throw new GatewayError('CANCELLED', 'Cancelled while working on a large result');
  }
}
