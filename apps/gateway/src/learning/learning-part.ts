import type { LearningPart } from '@signalbox/control-plane';
import { GatewayError, type AdviceSource, type ToolDefinition } from '@signalbox/core';
import type { DataPlane } from '@signalbox/data-plane';
import type { Commit, Forgotten, FrequentSequence, LearnerReading, LearnerThread, Replayed, RowChange } from '@signalbox/learning';
import { createExperimentsPart } from './experiments-part.ts';
import type { KeyedHash } from './keyed-hash.ts';
import { readInsights } from './tool-insights.ts';
import type { ToolVersion } from './tool-versions.ts';

export interface LearningPartOptions {
  readonly thread: LearnerThread;
  readonly hash: KeyedHash;
  readonly advice: AdviceSource;
  readonly explain: DataPlane['explain'];
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  /** Whether what was learned may change what searches show. */
  readonly isSearchAdvised: boolean;
}

/** Learning as the admin API sees it. */
export function createLearningPart(options: LearningPartOptions): LearningPart {
  const { thread, hash, advice, explain, toolsOf, versionOf } = options;
  return {
    experiments: createExperimentsPart(options),
    status: async () => {
      const { written, dropped } = thread.counts();
      const base = { adviceVersion: advice.current?.version ?? 0, restarts: thread.restarts };
      if (thread.state !== 'learning') {
        const { state, reason } = thread;
        const facts = { written, dropped, learned: 0, kept: 0 };
        return { ...base, state, ...(reason !== undefined && { reason }), facts, cpuSeconds: 0, models: [] };
      }
      const { isFrozen, learned, kept, head, cpuSeconds, models } = await thread.ask<LearnerReading>('read');
      return {
        ...base,
        state: isFrozen ? 'frozen' : 'learning',
        ...(isFrozen && { reason: 'by command' }),
        facts: { written, dropped, learned, kept },
        cpuSeconds,
        models: [...models],
        ...(head !== undefined && { commit: head }),
      };
    },
    why: (need, options) => {
      const { adviceVersion, matches } = explain(need, options);
      return {
        need,
        adviceVersion,
        matches: matches.map(({ name, upstream, tool, score, staticRank, why }) => ({
          name,
          upstream,
          tool,
          score,
          staticRank,
          ...(why !== undefined && { why }),
        })),
      };
    },
    tools: async () => ({ tools: await readInsights({ thread, versionOf, toolsOf }) }),
    sequences: async (limit) => {
      const sequences = await thread.ask<readonly FrequentSequence[]>('sequences', limit);
      return { sequences: sequences.map(({ tools, ...rest }) => ({ ...rest, tools: [...tools] })) };
    },
    commits: async (limit) => {
      const log = await thread.ask<readonly { readonly commit: Commit; readonly refs: readonly string[] }[]>('log', limit);
      return {
        commits: log.map(({ commit: { id, parents, message, atMs, facts }, refs }) => ({
          id,
          parents: [...parents],
          message,
          atMs,
          facts,
          refs: [...refs],
        })),
      };
    },
    diff: async (from, to, { limit }) => {
      const { rows, ...rest } = await thread.ask<Difference>('diff', { from, to, limit });
      return {
        ...rest,
        rows: rows.map(({ model, table, key, before, after }) => ({
          table: `${model}.${table}`,
          key,
          ...(before !== undefined && { before: [...before] }),
          ...(after !== undefined && { after: [...after] }),
        })),
      };
    },
    rollBack: (to) => thread.ask('rollBack', to),
    freeze: (isFrozen) => thread.ask('freeze', isFrozen),
    forget: ({ principal, ...rest }) => {
      if (rest.tool !== undefined && rest.upstream === undefined)
        throw new GatewayError('INVALID_PARAMS', 'Cannot forget a tool without the name of its server: "upstream" is missing');
      return thread.ask<Forgotten>('forget', { ...rest, ...(principal !== undefined && { principal: hash.text(principal) }) });
    },
    replay: () => thread.ask<Replayed>('replay'),
  };
}

interface Difference {
  readonly from: string;
  readonly to: string;
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly rows: readonly RowChange[];
}
