import type { LearningPart } from '@signalbox/control-plane';
import type { Clock, FailuresInRow, Logger, Store } from '@signalbox/core';
import type { DataPlane } from '@signalbox/data-plane';
import { startLearner } from '@signalbox/learning';
import { createAnomalyFeed } from './anomaly-feed.ts';
import { createAnswerLed, type AnswerLed } from './answer-led.ts';
import { createLearningPart } from './learning-part.ts';
import { createPathSide, type PathSide, type PathSideOptions } from './path-side.ts';
import { createPrincipalNames } from './principal-names.ts';
import { createRestraints } from './restraints.ts';

export interface LearningOptions extends Omit<PathSideOptions, 'tell' | 'passesOver' | 'onCaller'> {
  readonly store: Store;
  /** This gateway, where others share the store. */
  readonly scope: string | undefined;
  readonly explain: DataPlane['explain'];
  readonly listingCosts: DataPlane['listingCosts'];
  /** The upstreams that are asked for the tools of one in its place. */
  readonly fallbacksOf: (upstream: string) => readonly string[];
  /** Its failures in a row; `undefined` for one that answers. */
  readonly failuresOf: (upstream: string) => FailuresInRow | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Learning as the gateway has it. Whoever created it closes it. */
export interface Learning extends Pick<PathSide, 'reader' | 'advice'>, Pick<AnswerLed, 'answer'> {
  readonly part: LearningPart;
  close(): Promise<void>;
}

/** Starts the thread that learns, and joins it with what it reads and who asks it. */
export function createLearning(all: LearningOptions): Learning {
  const { store, scope, explain, listingCosts, fallbacksOf, failuresOf, clock, logger, ...options } = all;
  const { config, toolsOf } = options;
  const names = createPrincipalNames();
  const { hash, versionOf, reader, advice, nextCalls, publish } = createPathSide({
    ...options,
    tell: (fact) => thread.tell(fact),
    passesOver: () => thread.passesOver(),
    onCaller: names.see,
  });
  const restraints = config.anomalies.action === 'tell' ? undefined : createRestraints({ config: config.anomalies, hash, clock });
  const feed = createAnomalyFeed({ names, restraints, logger });
  const thread = startLearner({
    store,
    scope,
    config,
    clock,
    logger,
    onAdvice: (published) => {
      publish(published, restraints);
      led.publish(published);
    },
    onAnomaly: (anomaly) => {
      restraints?.see(anomaly);
      feed.publish(anomaly);
    },
    onNext: (told) => {
      nextCalls.take(told);
      led.tellNext(told);
    },
    ...(restraints && { onAnomalyAgain: restraints.see }),
  });
  const led = createAnswerLed({ thread, names, restraints, clock });
  return {
    reader,
    answer: led.answer,
    advice,
    part: createLearningPart({
      thread,
      led,
      hash,
      advice,
      explain,
      listingCosts,
      toolsOf,
      fallbacksOf,
      failuresOf,
      versionOf,
      names,
      feed,
      restraints,
      nextCalls,
      clock,
      isSearchAdvised: config.search,
    }),
    close: () => thread.close(),
  };
}
