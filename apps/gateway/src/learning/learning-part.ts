import type { ClustersBody, LearningPart } from '@signalbox/control-plane';
import { GatewayError, type AdviceSource, type Clock, type FailuresInRow, type ToolDefinition } from '@signalbox/core';
import type { DataPlane } from '@signalbox/data-plane';
import type {
  AgentCluster,
  AgentClusters,
  Anomaly,
  AnomalyAnswer,
  AnomalyOpinion,
  AnomalyQuestion,
  CallPlansByContext,
  Commit,
  Forgotten,
  FrequentSequence,
  LearnerReading,
  LearnerThread,
  Replayed,
  RowChange,
  SearchDay,
} from '@signalbox/learning';
import { toAnomalyBody, toRestraintBody, type AnomalyFeed } from './anomaly-feed.ts';
import type { AnswerLed } from './answer-led.ts';
import { createExperimentsPart } from './experiments-part.ts';
import type { KeyedHash } from './keyed-hash.ts';
import type { PrincipalNames } from './principal-names.ts';
import type { NextCallsBook } from './next-calls.ts';
import type { Restraints } from './restraints.ts';
import { readPlans } from './read-plans.ts';
import { readProposals } from './read-proposals.ts';
import { readSurfaces } from './read-surfaces.ts';
import { readInsights } from './tool-insights.ts';
import type { ToolVersion } from './tool-versions.ts';

export interface LearningPartOptions {
  readonly thread: LearnerThread;
  /** What other processes have told. */
  readonly led: Pick<AnswerLed, 'dropped'>;
  readonly hash: KeyedHash;
  readonly advice: AdviceSource;
  readonly explain: DataPlane['explain'];
  readonly listingCosts: DataPlane['listingCosts'];
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
  readonly fallbacksOf: (upstream: string) => readonly string[];
  readonly failuresOf: (upstream: string) => FailuresInRow | undefined;
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  readonly names: PrincipalNames;
  readonly feed: AnomalyFeed;
  /** Absent where nobody is held back, whatever is abnormal. */
  readonly restraints: Restraints | undefined;
  readonly nextCalls: Pick<NextCallsBook, 'clear'>;
  readonly clock: Clock;
  /** Whether what was learned may change what searches show. */
  readonly isSearchAdvised: boolean;
}

/** Learning as the admin API sees it. */
export function createLearningPart(options: LearningPartOptions): LearningPart {
  const { thread, led, hash, advice, explain, listingCosts, names, feed, restraints, nextCalls, clock } = options;
  const toBody = (anomaly: Anomaly) => toAnomalyBody(anomaly, { nameOf: names.nameOf, restraint: restraints?.find(anomaly.id) });
  return {
    experiments: createExperimentsPart(options),
    status: async () => {
      const counts = thread.counts();
      const [written, dropped] = [counts.written, counts.dropped + led.dropped];
      const base = { adviceVersion: advice.current?.version ?? 0, restarts: thread.restarts };
      if (thread.state !== 'learning') {
        const { state, reason } = thread;
        const facts = { written, dropped, learned: 0, kept: 0 };
        return { ...base, state, ...(reason !== undefined && { reason }), facts, cpuSeconds: 0, otherGateways: 0, models: [] };
      }
      const { isFrozen, learned, kept, head, cpuSeconds, others, nextTool, models } = await thread.ask<LearnerReading>('read');
      return {
        ...base,
        state: isFrozen ? 'frozen' : 'learning',
        ...(isFrozen && { reason: 'by command' }),
        facts: { written, dropped, learned, kept },
        cpuSeconds,
        otherGateways: others,
        nextTool,
        models: [...models],
        ...(head !== undefined && { commit: head }),
      };
    },
    why: async (need, options) => {
      const { adviceVersion, matches } = await explain(need, options);
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
    tools: async () => ({ tools: await readInsights(options) }),
    quality: async (limit) => {
      const days = await thread.ask<readonly SearchDay[]>('quality', limit);
      return {
        days: days.map(({ atMs, place, staticPlace, ...counts }) => ({
          day: new Date(atMs).toISOString().slice(0, 10),
          ...counts,
          ...(place !== undefined && { place }),
          ...(staticPlace !== undefined && { staticPlace }),
        })),
      };
    },
    proposals: (filter) => readProposals(options, filter),
    sequences: async (limit) => {
      const sequences = await thread.ask<readonly FrequentSequence[]>('sequences', limit);
      const plans = await thread.ask<CallPlansByContext>('ahead');
      return { sequences: sequences.map(({ tools, ...rest }) => ({ ...rest, tools: [...tools] })), ahead: readPlans(plans, limit) };
    },
    anomalies: async (query) => {
      const { anomalies, heldBack } = await thread.ask<AnomalyAnswer>('anomalies', query satisfies AnomalyQuestion);
      return { anomalies: anomalies.map(toBody), heldBack };
    },
    judgeAnomaly: async (request) => {
      const opinion: AnomalyOpinion = { ...request, atMs: clock.now() };
      const anomaly = await thread.ask<Anomaly>('anomalyFeedback', opinion);
      if (request.verdict === 'noise') restraints?.lift(request.id);
      return toBody(anomaly);
    },
    liftRestraint: (id) => {
      const restraint = restraints?.lift(id);
      if (restraint === undefined)
        throw new GatewayError('UNKNOWN_NAME', `Nobody is held back for an anomaly "${id}"; "signalbox learn anomalies" shows who is`);
      return toRestraintBody(restraint);
    },
    watchAnomalies: feed.watch,
    surfaces: () => readSurfaces({ thread, listingCosts }),
    clusters: async () => {
      const { clusters, ...rest } = await thread.ask<AgentClusters>('clusters');
      return { ...rest, clusters: clusters.map((cluster) => toClusterBody(cluster, names.nameOf)) };
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
    rollBack: async (to) => {
      const done = await thread.ask<{ readonly commit: string }>('rollBack', to);
      // What they stand for may be known no more, and then nobody would see them.
      restraints?.clear();
      nextCalls.clear();
      return done;
    },
    tag: (request) => thread.ask('tag', request),
    untag: (name) => thread.ask('untag', name),
    freeze: (isFrozen) => thread.ask('freeze', isFrozen),
    forget: async ({ principal, ...rest }) => {
      if (rest.tool !== undefined && rest.upstream === undefined)
        throw new GatewayError('INVALID_PARAMS', 'Cannot forget a tool without the name of its server: "upstream" is missing');
      const proof = await thread.ask<Forgotten>('forget', { ...rest, ...(principal !== undefined && { principal: hash.text(principal) }) });
      restraints?.clear();
      nextCalls.clear();
      return proof;
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

function toClusterBody(
  { principals, clients, marks, ...cluster }: AgentCluster,
  nameOf: PrincipalNames['nameOf'],
): ClustersBody['clusters'][number] {
  const named = principals.map((each) => {
    const principalName = nameOf(each.principal);
    return { ...each, ...(principalName !== undefined && { principalName }) };
  });
  return { ...cluster, marks: [...marks], principals: named, clients: [...clients] };
}
