import type { LearningConfig } from '@signalbox/core';
import { createBehaviourModel } from '../behaviour/behaviour-model.ts';
import { toCallFact, versionedTool } from '../cache-advice/call-fact.ts';
import { createFreshnessModel, type FreshnessEvent, type FreshnessModel } from '../cache-advice/freshness-model.ts';
import { createSimilarityModel, type ComparedCalls, type SimilarityModel } from '../cache-advice/similarity-model.ts';
import { createSessionCounts } from '../clusters/session-counts.ts';
import type { Interaction } from '../interaction.ts';
import type { Model } from '../model.ts';
import { createFallbackArms } from '../outcomes/fallback-arms.ts';
import { createFailureRuns } from '../outcomes/failure-runs.ts';
import { createToolOutcomes } from '../outcomes/tool-outcomes.ts';
import { createToolUsage } from '../outcomes/tool-usage.ts';
import { toCallAttempt, type CallAttempt } from '../repair/call-attempt.ts';
import { createRepairModel, type RepairModel } from '../repair/repair-model.ts';
import { createExperimentModel } from '../experiments/experiment-model.ts';
import { createFeedbackReader } from '../search/read-feedback.ts';
import type { SearchFeedback } from '../search/search-feedback.ts';
import { createSearchQuality } from '../search/search-quality.ts';
import { createSearchModel, type SearchModel } from '../search/search-model.ts';
import { createClientSurfaces } from '../surfaces/client-surfaces.ts';
import { createCallPlans } from '../sequences/call-plans.ts';
import { createSequences } from '../sequences/sequences.ts';
import { feedModel } from './feed-model.ts';
import { createNextSteps } from './next-steps.ts';

export interface ModelOptions {
  readonly anomalies: Pick<LearningConfig['anomalies'], 'enabled' | 'alertsPerDay' | 'settleDays'>;
}

/** Everything that learns, knowing nothing yet. */
export function createAllModels({ anomalies }: ModelOptions) {
  return {
    ...(anomalies.enabled && { behaviour: createBehaviourModel(anomalies) }),
    experiments: createExperimentModel(),
    fallbacks: createFallbackArms(),
    freshness: feedModel<FreshnessEvent, FreshnessModel>(createFreshnessModel(), readCallFact),
    next: createNextSteps(),
    outcomes: createToolOutcomes(),
    plans: createCallPlans(),
    quality: createSearchQuality(),
    repair: feedModel<CallAttempt, RepairModel>(createRepairModel(), readAttempt),
    search: feedModel<SearchFeedback, SearchModel>(createSearchModel(), createFeedbackReader()),
    runs: createFailureRuns(),
    sequences: createSequences(),
    similarity: feedModel<ComparedCalls, SimilarityModel>(createSimilarityModel(), readComparison),
    usage: createToolUsage(),
    sessions: createSessionCounts(),
    surfaces: createClientSurfaces(),
  } satisfies Readonly<Record<string, Model<Interaction>>>;
}

export type AllModels = ReturnType<typeof createAllModels>;

function readCallFact(interaction: Interaction): FreshnessEvent[] {
  const fact = interaction.kind === 'call' ? toCallFact(interaction, interaction.effect) : undefined;
  return fact === undefined ? [] : [{ kind: 'call', ...fact }];
}

function readAttempt(interaction: Interaction): CallAttempt[] {
  const attempt = interaction.kind === 'call' ? toCallAttempt(interaction) : undefined;
  return attempt === undefined ? [] : [attempt];
}

function readComparison(interaction: Interaction): ComparedCalls[] {
  if (interaction.kind !== 'comparison') return [];
  const { edit, detail, isSame } = interaction;
  return [{ tool: versionedTool(interaction), difference: { kind: edit, detail }, isSame }];
}
