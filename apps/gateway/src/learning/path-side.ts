import { hkdfSync } from 'node:crypto';
import type { LearningConfig, SearchCaller, ToolDefinition } from '@signalbox/core';
import type { Interaction, Published } from '@signalbox/learning';
import type { RecordReader } from '../seen/journal.ts';
import { unitOf } from './caller-unit.ts';
import { createKeyedHash, type KeyedHash } from './keyed-hash.ts';
import { createNextCalls, type NextCallsBook } from './next-calls.ts';
import type { Restraints } from './restraints.ts';
import { toAdvice, type PublishedAdvice } from './to-advice.ts';
import { createFactMaker, isToolRecord } from './to-facts.ts';
import { armsOf } from './to-trials.ts';
import { createToolVersions, type ToolVersion } from './tool-versions.ts';

export interface PathSideOptions {
  readonly config: LearningConfig;
  /** Of the gateway; names of callers are hashed with a key that is made of it. */
  readonly key: Uint8Array;
  /** Tools of an upstream as it lists them, the same array until they change; `undefined` for one that is not known. */
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
  /** Takes a fact. Must return at once and never throw. */
  readonly tell: (fact: Interaction) => void;
  /** Whether the fact of one more call is not worth making, as it would be dropped. */
  readonly passesOver: () => boolean;
  /** Hears who is behind a hash, again and again. */
  readonly onCaller: (hash: string, name: string) => void;
}

/** Learning as the path of this process meets it, wherever the thread that learns may be. */
export interface PathSide {
  readonly hash: KeyedHash;
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  readonly reader: RecordReader;
  readonly advice: { readonly current: PublishedAdvice | undefined };
  readonly nextCalls: NextCallsBook;
  /** Takes what was published; `undefined` when there is no advice any more. */
  publish(published: Published | undefined, restraints: Restraints | undefined): void;
}

const KEY_BYTES = 32;

export function createPathSide({ config, key, toolsOf, tell, passesOver, onCaller }: PathSideOptions): PathSide {
  const hash = createKeyedHash(new Uint8Array(hkdfSync('sha256', key, '', 'signalbox learning', KEY_BYTES)));
  const versionOf = createToolVersions(toolsOf);
  const advice: { current: PublishedAdvice | undefined } = { current: undefined };
  const nextCalls = createNextCalls();
  const facts = createFactMaker({
    hash,
    versionOf,
    adviceVersion: () => advice.current?.version ?? 0,
    // Where search goes without advice, nothing of it is on trial.
    armsOf: (session) => (config.search ? armsOf(advice.current?.trialsOfUnit?.(session)) : []),
  });
  return {
    hash,
    versionOf,
    advice,
    nextCalls,
    reader: {
      name: 'learning',
      wantsPayload: true,
      write: (record, payload) => {
        if (!isToolRecord(record)) return;
        if (passesOver()) return nextCalls.pass(facts.sessionOf(payload?.session, record));
        const fact = facts.call(record, payload);
        onCaller(fact.principal, record.principal);
        nextCalls.see(fact);
        tell(fact);
      },
      search: (record) => {
        for (const fact of facts.searches(record)) tell(fact);
      },
      compare: (record) => tell(facts.comparison(record)),
    },
    publish: (published, restraints) => {
      advice.current =
        published &&
        toAdvice(published, {
          config,
          versionOf,
          toolsOf,
          unitOf: (caller: SearchCaller) => unitOf(hash, caller),
          hash,
          nextCalls,
          restraints,
        });
      // Nobody is held back by what has died, nor by what comes after it and knows nothing of it.
      if (published !== undefined) return;
      restraints?.clear();
      nextCalls.clear();
    },
  };
}
