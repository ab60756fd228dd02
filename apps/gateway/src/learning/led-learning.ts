import { toMessage, type Clock, type Logger } from '@signalbox/core';
import { decodeAdvice, toFactBytes } from '@signalbox/learning';
import { decodeAnswer, encodeParcel, type ParcelAnswer } from './led-messages.ts';
import { createPathSide, type PathSide, type PathSideOptions } from './path-side.ts';
import { createRestraints } from './restraints.ts';

export interface LedLearningOptions extends Omit<PathSideOptions, 'tell' | 'passesOver' | 'onCaller'> {
  /** Hands a parcel to the process that learns and brings its answer; `undefined` when it is away and has not got it. */
  readonly exchange: (parcel: Buffer) => Promise<Buffer | undefined>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Learning in a process where another one learns: tells facts, and goes by its advice. Whoever created it closes it. */
export interface LedLearning extends Pick<PathSide, 'reader' | 'advice'> {
  /** Tells what is left, if anybody hears it. */
  close(): Promise<void>;
}

const EXCHANGE_MS = 250;
/** Least time between two pieces of advice, in milliseconds. */
const ADVICE_MS = 2_000;
/** How long advice outlives the last word of who gave it, in milliseconds. */
const TRUST_MS = 5_000;
const MAX_WAITING_BYTES = 1024 * 1024;
/** Of them, what calls may take; the rest is for rarer facts. */
const CALLS_SHARE = 15 / 16;
const MAX_CALLERS = 500;

export function createLedLearning({ exchange, clock, logger, ...options }: LedLearningOptions): LedLearning {
  const { config } = options;
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let dropped = 0;
  const callers = new Map<string, string>();
  let known = '';
  let [heardAtMs, advisedAtMs] = [clock.monotonic(), -Infinity];
  let isTold = false;
  let isClosed = false;
  let running: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  const side = createPathSide({
    ...options,
    tell: (fact) => {
      const bytes = toFactBytes(fact);
      if (waitingBytes + bytes.byteLength > MAX_WAITING_BYTES) return void dropped++;
      waiting.push(bytes);
      waitingBytes += bytes.byteLength;
    },
    passesOver: () => {
      const isCrowded = waitingBytes > CALLS_SHARE * MAX_WAITING_BYTES;
      if (isCrowded) dropped++;
      return isCrowded;
    },
    onCaller: (hash, name) => void (callers.size < MAX_CALLERS && callers.set(hash, name)),
  });
  const restraints =
    config.anomalies.action === 'tell' ? undefined : createRestraints({ config: config.anomalies, hash: side.hash, clock });

  const take = ({ id, advice, restraints: held, next }: ParcelAnswer): void => {
    callers.clear();
    [heardAtMs, isTold] = [clock.monotonic(), false];
    if (advice !== undefined || id === '') {
      if (known !== id) side.publish(advice && decodeAdvice(advice), restraints);
      [known, advisedAtMs] = [id, heardAtMs];
    }
    restraints?.replace(held);
    side.nextCalls.take(next);
  };
  const forget = (reason: string): void => {
    if (clock.monotonic() - heardAtMs < TRUST_MS) return;
    if (known !== '') side.publish(undefined, restraints);
    known = '';
    if (!isTold) logger.warn('the worker that learns does not answer; calls go without advice until it does', { reason });
    isTold = true;
  };
  const swap = async (): Promise<void> => {
    const isDue = clock.monotonic() - advisedAtMs >= ADVICE_MS;
    const parcel = encodeParcel({ facts: waiting, callers: [...callers], dropped, ...(isDue && { known }) });
    const sent = { facts: waiting, bytes: waitingBytes, dropped };
    [waiting, waitingBytes, dropped] = [[], 0, 0];
    try {
      const answer = await exchange(parcel);
      if (answer !== undefined) return take(decodeAnswer(answer));
      // They are told next time, as far as there is room.
      dropped += sent.dropped;
      if (waitingBytes + sent.bytes > MAX_WAITING_BYTES) dropped += sent.facts.length;
      else [waiting, waitingBytes] = [[...sent.facts, ...waiting], waitingBytes + sent.bytes];
      forget('it is away');
    } catch (error) {
      // It may have heard them, so they are not told again.
      dropped += sent.dropped + sent.facts.length;
      forget(toMessage(error));
    }
  };
  const turn = (): void => {
    running = swap().finally(() => {
      running = undefined;
      if (!isClosed) cancel = clock.after(EXCHANGE_MS, turn);
    });
  };
  cancel = clock.after(EXCHANGE_MS, turn);

  return {
    reader: side.reader,
    advice: side.advice,
    close: async () => {
      isClosed = true;
      cancel?.();
      await running;
      if (waiting.length > 0) await swap();
    },
  };
}
