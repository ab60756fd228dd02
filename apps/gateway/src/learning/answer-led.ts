import { randomUUID } from 'node:crypto';
import type { Clock } from '@signalbox/core';
import { encodeAdvice, type LearnerThread, type Published, type ToldNext } from '@signalbox/learning';
import { decodeParcel, encodeAnswer } from './led-messages.ts';
import type { PrincipalNames } from './principal-names.ts';
import type { Restraints } from './restraints.ts';

export interface AnswerLedOptions {
  readonly thread: Pick<LearnerThread, 'take'>;
  readonly names: PrincipalNames;
  readonly restraints: Restraints | undefined;
  readonly clock: Clock;
}

/** How long what comes next is told to all: several times as long as they take to ask again, in milliseconds. */
const NEXT_MS = 1_000;

/** What the process that learns does for those that are led. */
export interface AnswerLed {
  /** Takes a parcel. @returns the answer to it. */
  answer(parcel: Uint8Array): Buffer;
  /** Takes note of what was published. */
  publish(published: Published | undefined): void;
  /** Takes note of what sessions are likely to call next. */
  tellNext(told: readonly ToldNext[]): void;
  /** Facts that found no room in the processes that are led. */
  readonly dropped: number;
}

export function createAnswerLed({ thread, names, restraints, clock }: AnswerLedOptions): AnswerLed {
  // Another run counts anew, so a number alone would be mistaken.
  const run = randomUUID();
  let published: Published | undefined;
  let number = 0;
  let dropped = 0;
  /** Of what was published last; made when first somebody asks. */
  let encoded: Buffer | undefined;
  let next: readonly { readonly atMs: number; readonly told: readonly ToldNext[] }[] = [];
  const ofLate = () => next.filter(({ atMs }) => atMs > clock.monotonic() - NEXT_MS);
  return {
    answer: (parcel) => {
      const { facts, callers, dropped: lost, known } = decodeParcel(parcel);
      for (const fact of facts) thread.take(fact);
      for (const [hash, name] of callers) names.see(hash, name);
      dropped += lost;
      const id = published === undefined ? '' : `${run} ${number}`;
      const isWanted = published !== undefined && known !== undefined && known !== id;
      if (isWanted) encoded ??= encodeAdvice(published!);
      return encodeAnswer({
        id,
        ...(isWanted && { advice: encoded! }),
        restraints: restraints?.all() ?? [],
        next: ofLate().flatMap(({ told }) => told),
      });
    },
    publish: (next) => {
      published = next;
      encoded = undefined;
      number++;
    },
    tellNext: (told) => {
      next = [...ofLate(), { atMs: clock.monotonic(), told }];
    },
    get dropped() {
      return dropped;
    },
  };
}
