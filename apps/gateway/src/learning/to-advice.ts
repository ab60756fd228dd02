import { LOCAL_PRINCIPAL, type Advice, type LearningConfig, type SearchCaller, type ToolDefinition } from '@signalbox/core';
import {
  isRepairOf,
  planAfter,
  openSearchAdvice,
  openSearchSnapshot,
  toolKey,
  versionedTool,
  writeHint,
  type LearnedTool,
  type Published,
  type Repair,
} from '@signalbox/learning';
import type { KeyedHash } from './keyed-hash.ts';
import type { NextCallsBook } from './next-calls.ts';
import type { Restraints } from './restraints.ts';
import { toFailureRisk } from './to-failure-risk.ts';
import { toFallbackAdvice } from './to-fallback-advice.ts';
import { toSimilarAdvice } from './to-similar-advice.ts';
import type { ToolVersion } from './tool-versions.ts';
import { toTrials, type TrialsOf } from './to-trials.ts';

/** Below this a place owes so little to what was learned that it is not worth a word. */
const TOLD_SHARE = 0.1;
/** What a repair has in the place of a code when the tool itself said that it failed. */
const TOOL_ERROR = 'toolError';

export interface AdviceParts {
  readonly config: Pick<LearningConfig, 'search' | 'hints' | 'timeouts' | 'fallbacks' | 'breaker' | 'openAhead' | 'callAhead'>;
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
  /** What keeps its arm, of who searches. */
  readonly unitOf: (caller: SearchCaller) => string;
  readonly hash: KeyedHash;
  readonly nextCalls: Pick<NextCallsBook, 'of'>;
  /** Absent where nobody is held back, whatever is abnormal. */
  readonly restraints?: Pick<Restraints, 'isEmpty' | 'of'> | undefined;
}

/** What was published, as the path asks it, and the arms of a unit, as facts tell of them. */
export interface PublishedAdvice extends Advice {
  readonly trialsOfUnit: TrialsOf | undefined;
}

/** What was published, as the path asks it; only as far as the configuration lets it have a say. */
export function toAdvice(
  { version, snapshots }: Published,
  { config, versionOf, toolsOf, unitOf, hash, nextCalls, restraints }: AdviceParts,
): PublishedAdvice {
  const trialsOfUnit = toTrials(snapshots.experiments);
  const search = openSearchAdvice(openSearchSnapshot(snapshots.search));
  const { repairs, timeouts, arms, plans, risks, upstreamsAfter, usage } = snapshots.tools;
  const keyOf = (upstream: string, tool: string) => versionedTool({ upstream, tool, toolVersion: versionOf(upstream, tool).version });
  const hints: Advice['hints'] = ({ principal, upstream, tool, code }) => {
    const found = repairs.get(keyOf(upstream, tool))?.get(code === undefined ? TOOL_ERROR : String(code));
    if (found === undefined) return [];
    const inputSchema = toolsOf(upstream)?.find(({ name }) => name === tool)?.inputSchema;
    // What one caller alone has found is told to nobody else.
    const mayKnow = ({ principals }: Repair) => principals > 1 || principal === LOCAL_PRINCIPAL;
    return found.filter((repair) => mayKnow(repair) && isRepairOf(repair.edit, inputSchema)).map(writeHint);
  };
  const rank: Advice['rank'] = ({ need, found, limit, isKnown }) => {
    const staticRanking = found.map(({ upstream, tool, score }) => ({ key: toolKey({ upstream, tool }), score }));
    const mayShow = (key: string) => isKnown(...splitKey(key));
    return search.rank({ tenant: '', needs: [need], staticRanking, limit, mayShow }).map((tool) => {
      const [upstream, name] = splitKey(tool.key);
      return { upstream, tool: name, why: whyText(tool) };
    });
  };
  return {
    version,
    trialsOfUnit,
    ...(trialsOfUnit && config.search && { trials: (caller: SearchCaller) => trialsOfUnit(unitOf(caller)) }),
    rank: config.search ? rank : undefined,
    next: config.search ? (caller) => nextCalls.of(unitOf(caller)) : undefined,
    usage: () => usage,
    // Where there is nothing to say, nobody need ask.
    hints: config.hints && repairs.size > 0 ? hints : undefined,
    similar: snapshots.similarity && toSimilarAdvice({ similarity: snapshots.similarity, keyOf, hash }),
    ahead: config.callAhead.enabled ? { after: (last) => planAfter(plans, last), hashOf: (place) => hash.text(place) } : undefined,
    timeoutMs: config.timeouts ? (upstream, tool) => timeouts.get(keyOf(upstream, tool)) : undefined,
    upstreamAfter:
      config.openAhead && upstreamsAfter.size > 0 ? (upstream, tool) => upstreamsAfter.get(toolKey({ upstream, tool })) : undefined,
    failureRisk: config.breaker && risks.all.some((risk) => risk !== undefined) ? toFailureRisk(risks) : undefined,
    fallbacks: config.fallbacks ? toFallbackAdvice(arms) : undefined,
    get restraints() {
      return restraints === undefined || restraints.isEmpty ? undefined : restraints.of;
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
