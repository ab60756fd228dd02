import type { ToolInsight } from '@signalbox/control-plane';
import type { AdviceSource, CalledTool, FailuresInRow, ToolDefinition } from '@signalbox/core';
import { VERY_LIKELY } from '@signalbox/data-plane';
import {
  toolKey,
  versionedTool,
  writeHint,
  type ArmCounts,
  type CachePlan,
  type FailureRisks,
  type LearnerThread,
  type NextTool,
  type PlanQuestion,
  type Repair,
  type RepairQuestion,
  type ToolReport,
} from '@signalbox/learning';
import { toFailureRisk } from './to-failure-risk.ts';
import { weighFallbacks } from './to-fallback-advice.ts';
import type { ToolVersion } from './tool-versions.ts';

export interface InsightSources {
  readonly thread: Pick<LearnerThread, 'ask'>;
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
  /** The upstreams that are asked for its tools in its place, as they are configured. */
  readonly fallbacksOf: (upstream: string) => readonly string[];
  /** `undefined` for an upstream that answers. */
  readonly failuresOf: (upstream: string) => FailuresInRow | undefined;
  /** What the path goes by. */
  readonly advice: AdviceSource;
}

const NEXT_TOOLS = 3;
const HINTS = 3;
/** Of answers that are given again, the share that may be stale. */
const MAX_WRONG = 0.01;

/** All that is known of each tool in the version that is called now, most called first. */
export async function readInsights(sources: InsightSources): Promise<ToolInsight[]> {
  const { thread, versionOf, toolsOf, fallbacksOf, failuresOf, advice } = sources;
  const all = await thread.ask<readonly ToolReport[]>('outcomes');
  // Of a tool whose server is away, every version may be the one.
  const reports = all.filter(({ upstream, tool, toolVersion }) => ['', toolVersion].includes(versionOf(upstream, tool).version));
  const effects = reports.map(({ upstream, tool }) => versionOf(upstream, tool).effect);
  const after = reports.map(({ upstream, tool }) => ({ upstream, tool }));
  const plans = reports.map((report, index): PlanQuestion => ({
    tool: versionedTool(report),
    effect: effects[index]!,
    maxWrong: MAX_WRONG,
  }));
  const repairs = reports.map((report): RepairQuestion => {
    const definition = toolsOf(report.upstream)?.find(({ name }) => name === report.tool);
    return { tool: versionedTool(report), ...(definition && { inputSchema: definition.inputSchema }) };
  });
  const [next, cache, mended, arms, risks] = await Promise.all([
    thread.ask<readonly (readonly NextTool[])[]>('next', { after, limit: NEXT_TOOLS }),
    thread.ask<readonly CachePlan[]>('plans', plans),
    thread.ask<readonly (readonly Repair[])[]>('repairs', repairs),
    thread.ask<ReadonlyMap<string, ArmCounts>>('arms'),
    thread.ask<FailureRisks>('risks'),
  ]);
  const advised = advice.current?.failureRisk;
  const riskOf = advised ?? toFailureRisk(risks);
  const failingOf = (upstream: string, fallbacks: ToolInsight['fallbacks']): Pick<ToolInsight, 'failing'> => {
    const failures = failuresOf(upstream);
    if (failures === undefined) return {};
    const risk = riskOf(upstream, failures);
    const askedLast = advised !== undefined && fallbacks.length > 0 && (risk ?? 0) >= VERY_LIKELY;
    return { failing: { ...failures, ...(risk !== undefined && { risk }), askedLast } };
  };
  return reports.map(({ upstream, tool, calls, failed, failureRisk, p50Ms, p95Ms, timeoutMs }, index) => {
    const fallbacks = toFallbacks(
      fallbacksOf(upstream)
        .filter((other) => toolsOf(other)?.some(({ name }) => name === tool))
        .map((other) => ({ upstream: other, tool })),
      arms,
    );
    return {
      upstream,
      tool,
      calls,
      failed,
      effect: effects[index]!,
      failureRisk,
      p50Ms,
      p95Ms,
      ...(timeoutMs !== undefined && { timeoutMs }),
      cache: toCacheAdvice(cache[index]!),
      next: [...next[index]!],
      hints: mended[index]!.slice(0, HINTS).map(writeHint),
      fallbacks,
      ...failingOf(upstream, fallbacks),
    };
  });
}

function toFallbacks(fallbacks: readonly CalledTool[], arms: ReadonlyMap<string, ArmCounts>): ToolInsight['fallbacks'] {
  const weighed = weighFallbacks(fallbacks, arms);
  if (weighed !== undefined)
    return weighed.map(({ place, calls, failed, share, isHeldBack }) => {
      return { upstream: fallbacks[place]!.upstream, attempts: calls, failed, share, heldBack: isHeldBack };
    });
  return fallbacks.map((fallback) => {
    const { calls, failed } = arms.get(toolKey(fallback)) ?? { calls: 0, failed: 0 };
    return { upstream: fallback.upstream, attempts: calls, failed };
  });
}

function toCacheAdvice({
  kind,
  reason,
  ttlMs,
  invalidatedBy,
  wrongHitUpperBound,
  evidence: { hits, staleHits },
}: CachePlan): ToolInsight['cache'] {
  return { kind, reason, ttlMs, invalidatedBy: [...invalidatedBy], wrongHitBound: wrongHitUpperBound, hits, staleHits };
}
