import { hkdfSync } from 'node:crypto';
import type { LearningPart } from '@signalbox/control-plane';
import type { Clock, LearningConfig, Logger, Store, ToolDefinition } from '@signalbox/core';
import type { DataPlane } from '@signalbox/data-plane';
import { startLearner, type StartLearnerOptions } from '@signalbox/learning';
import type { RecordReader } from '../seen/journal.ts';
import { createAnomalyFeed } from './anomaly-feed.ts';
import { createKeyedHash } from './keyed-hash.ts';
import { createLearningPart } from './learning-part.ts';
import { createPrincipalNames } from './principal-names.ts';
import { createRestraints } from './restraints.ts';
import { createNextCalls } from './next-calls.ts';
import { toAdvice, type PublishedAdvice } from './to-advice.ts';
import { armsOf } from './to-trials.ts';
import { unitOf } from './caller-unit.ts';
import { createFactMaker } from './to-facts.ts';
import { createToolVersions } from './tool-versions.ts';

export interface LearningOptions {
  readonly config: LearningConfig;
  readonly store: Store;
  /** Of the gateway; names of callers are hashed with a key that is made of it. */
  readonly key: Uint8Array;
  /** Tools of an upstream as it lists them, the same array until they change; `undefined` for one that is not known. */
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
  readonly explain: DataPlane['explain'];
  readonly listingCosts: DataPlane['listingCosts'];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Learning as the gateway has it. Whoever created it closes it. */
export interface Learning {
  readonly reader: RecordReader;
  readonly advice: { readonly current: PublishedAdvice | undefined };
  readonly part: LearningPart;
  close(): Promise<void>;
}

const KEY_BYTES = 32;

/** Starts the thread that learns, and joins it with what it reads and who asks it. */
export function createLearning({ config, store, key, toolsOf, explain, listingCosts, clock, logger }: LearningOptions): Learning {
  const hash = createKeyedHash(new Uint8Array(hkdfSync('sha256', key, '', 'signalbox learning', KEY_BYTES)));
  const advice: { current: PublishedAdvice | undefined } = { current: undefined };
  const versionOf = createToolVersions(toolsOf);
  const restraints = config.anomalies.action === 'throttle' ? createRestraints({ config: config.anomalies, hash, clock }) : undefined;
  const nextCalls = createNextCalls();
  const onAdvice: StartLearnerOptions['onAdvice'] = (published) => {
    advice.current =
      published &&
      toAdvice(published, { config, versionOf, toolsOf, unitOf: (caller) => unitOf(hash, caller), hash, nextCalls, restraints });
    // Nobody is held back by what has died, nor by what comes after it and knows nothing of it.
    if (published !== undefined) return;
    restraints?.clear();
    nextCalls.clear();
  };
  const names = createPrincipalNames();
  const feed = createAnomalyFeed({ names, restraints, logger });
  const thread = startLearner({
    store,
    config,
    clock,
    logger,
    onAdvice,
    onAnomaly: (anomaly) => {
      restraints?.see(anomaly);
      feed.publish(anomaly);
    },
    onNext: nextCalls.take,
    ...(restraints && { onAnomalyAgain: restraints.see }),
  });
  const facts = createFactMaker({
    hash,
    versionOf,
    adviceVersion: () => advice.current?.version ?? 0,
    // Where search goes without advice, nothing of it is on trial.
    armsOf: (session) => (config.search ? armsOf(advice.current?.trialsOfUnit?.(session)) : []),
  });
  return {
    reader: {
      name: 'learning',
      wantsPayload: true,
      write: (record, payload) => {
        const fact = facts.call(record, payload);
        if (fact === undefined) return;
        names.see(fact.principal, record.principal);
        nextCalls.see(fact);
        thread.tell(fact);
      },
      search: (record) => {
        for (const fact of facts.searches(record)) thread.tell(fact);
      },
      compare: (record) => thread.tell(facts.comparison(record)),
    },
    advice,
    part: createLearningPart({
      thread,
      hash,
      advice,
      explain,
      listingCosts,
      toolsOf,
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
