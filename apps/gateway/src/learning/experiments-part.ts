import type { ExperimentBody, ExperimentRequest, ExperimentsPart } from '@signalbox/control-plane';
import { GatewayError } from '@signalbox/core';
import type { Candidate, ExperimentAnswer, ExperimentReading, ExperimentSpec, ExperimentSteering, MetricResult } from '@signalbox/learning';
import { toProposedCandidate, type ProposalSources } from './read-proposals.ts';

export interface ExperimentsPartOptions extends ProposalSources {
  /** Whether what was learned may change what searches show. */
  readonly isSearchAdvised: boolean;
}

/** Experiments as the admin API sees them. */
export function createExperimentsPart(options: ExperimentsPartOptions): ExperimentsPart {
  const { thread, toolsOf, isSearchAdvised } = options;
  const toAnswer = ({ hasChanged, experiment }: ExperimentAnswer) => ({ hasChanged, experiment: toBody(experiment) });
  return {
    list: async () => ({ experiments: (await thread.ask<readonly ExperimentReading[]>('experiments')).map(toBody) }),
    get: async (name) => toBody(await thread.ask<ExperimentReading>('experiment', name)),
    start: async (request) => {
      if (!isSearchAdvised)
        throw new GatewayError('CONFLICT', 'Cannot start an experiment while "learning.search" is false: it would change nothing');
      const { proposal } = request;
      const candidate = proposal === undefined ? toCandidate(request) : await toProposedCandidate(options, proposal);
      const spec = toSpec(request, candidate);
      if (spec.candidate.kind === 'description') checkTool(spec.candidate, toolsOf);
      return toAnswer(await thread.ask<ExperimentAnswer>('startExperiment', spec));
    },
    steer: async (name, command) =>
      toAnswer(await thread.ask<ExperimentAnswer>('steerExperiment', { name, command } satisfies ExperimentSteering)),
    remove: (name) => thread.ask('removeExperiment', name),
  };
}

function checkTool(
  { upstream, tool }: { readonly upstream: string; readonly tool: string },
  toolsOf: ExperimentsPartOptions['toolsOf'],
): void {
  const tools = toolsOf(upstream);
  if (tools === undefined) throw new GatewayError('UNKNOWN_NAME', `There is no server "${upstream}" whose tools are known`);
  if (!tools.some(({ name }) => name === tool)) throw new GatewayError('UNKNOWN_NAME', `The server "${upstream}" has no tool "${tool}"`);
}

function toSpec({ name, share, alpha, horizon, minStageSeconds, goal, guards }: ExperimentRequest, candidate: Candidate): ExperimentSpec {
  const terms = { name, candidate, share, alpha, horizon, minStageMs: minStageSeconds * 1_000, guards };
  return goal === 'success' ? terms : { ...terms, goal };
}

// The schema has seen to it that what belongs to the kind is there.
function toCandidate({
  kind,
  limit,
  upstream,
  tool,
  description,
}: Pick<ExperimentRequest, 'kind' | 'limit' | 'upstream' | 'tool' | 'description'>): Candidate {
  switch (kind) {
    case 'ranking':
      return { kind };
    case 'limit':
      return { kind, limit: limit! };
    case 'description':
      return { kind, upstream: upstream!, tool: tool!, description: description! };
  }
}

function toBody({ spec, startedAtMs, rollout, sessions, isBalanced, metrics }: ExperimentReading): ExperimentBody {
  const { name, candidate, goal = 'success', share, alpha, horizon, minStageMs, guards } = spec;
  const { stage, version, isFrozen, sinceMs, steps } = rollout;
  return {
    name,
    ...candidate,
    goal,
    share,
    alpha,
    horizon,
    minStageSeconds: minStageMs / 1_000,
    guards: [...guards],
    stage,
    version,
    isFrozen,
    shareInForce: rollout.share,
    startedAtMs,
    sinceMs,
    sessions,
    isBalanced,
    metrics: metrics.map(toMetric),
    steps: [...steps],
  };
}

function toMetric({ margin, low, high, control, candidate, ...rest }: MetricResult): ExperimentBody['metrics'][number] {
  const arm = ({ sessions, mean }: MetricResult['control']) => ({ sessions, ...(mean !== undefined && { mean }) });
  return {
    ...rest,
    ...(margin !== undefined && { margin }),
    ...(Number.isFinite(low) && { low }),
    ...(Number.isFinite(high) && { high }),
    control: arm(control),
    candidate: arm(candidate),
  };
}
