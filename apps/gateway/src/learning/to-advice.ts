import type { Advice, SearchCaller } from '@signalbox/core';
import { toTrials, type TrialsOf } from './to-trials.ts';
import { openSearchAdvice, openSearchSnapshot, toolKey, type AdviceSnapshots, type LearnedTool } from '@signalbox/learning';

/** Below this a place owes so little to what was learned that it is not worth a word. */
const TOLD_SHARE = 0.1;

/** What was published, as the path asks it, and the arms of a unit, as facts tell of them. */
export interface PublishedAdvice extends Advice {
  readonly trialsOfUnit: TrialsOf | undefined;
}

/** @param unitOf What keeps its arm, of who searches. */
export function toAdvice(
  { version, snapshots }: { readonly version: number; readonly snapshots: AdviceSnapshots },
  unitOf: (caller: SearchCaller) => string,
): PublishedAdvice {
  const trialsOfUnit = toTrials(snapshots.experiments);
  const search = openSearchAdvice(openSearchSnapshot(snapshots.search));
  return {
    version,
    trialsOfUnit,
    ...(trialsOfUnit && { trials: (caller: SearchCaller) => trialsOfUnit(unitOf(caller)) }),
    rank: ({ need, found, limit, isKnown }) => {
      const staticRanking = found.map(({ upstream, tool, score }) => ({ key: toolKey({ upstream, tool }), score }));
      const mayShow = (key: string) => isKnown(...splitKey(key));
      return search.rank({ tenant: '', needs: [need], staticRanking, limit, mayShow }).map((tool) => {
        const [upstream, name] = splitKey(tool.key);
        return { upstream, tool: name, why: whyText(tool) };
      });
    },
  };
}

function splitKey(key: string): [upstream: string, tool: string] {
  const cut = key.indexOf('\0');
  return [key.slice(0, cut), key.slice(cut + 1)];
}

function whyText({ why: { learnedShare, evidence, chosen } }: LearnedTool): string | undefined {
  if (learnedShare < TOLD_SHARE || evidence <= 0 || chosen === 0) return undefined;
  return `chosen for such needs before, ${chosen} ${chosen === 1 ? 'time' : 'times'} in all`;
}
