import type { ProposalsBody } from '@signalbox/control-plane';
import { GatewayError, type ToolDefinition } from '@signalbox/core';
import {
  patchedDescription,
  proposePatch,
  versionedTool,
  type Candidate,
  type DefinitionPatch,
  type ExperimentReading,
  type LearnerThread,
  type Repair,
  type RepairQuestion,
  type ToolReport,
} from '@signalbox/learning';
import type { ToolVersion } from './tool-versions.ts';

export interface ProposalSources {
  readonly thread: Pick<LearnerThread, 'ask'>;
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  readonly toolsOf: (upstream: string) => readonly ToolDefinition[] | undefined;
}

export interface ProposalFilter {
  readonly upstream?: string | undefined;
  readonly tool?: string | undefined;
}

interface Proposal {
  readonly upstream: string;
  readonly definition: ToolDefinition;
  readonly patch: DefinitionPatch;
}

/** Changes of definitions as they are that would have saved callers a failure, what most have found first. */
export async function readProposals(sources: ProposalSources, filter: ProposalFilter): Promise<ProposalsBody> {
  const [found, experiments] = await Promise.all([
    findProposals(sources, filter),
    sources.thread.ask<readonly ExperimentReading[]>('experiments'),
  ]);
  const proposals = found.map(({ upstream, definition, patch }): ProposalsBody['proposals'][number] => {
    const trial = experiments.findLast(({ spec: { candidate } }) => isTrialOf(candidate, { upstream, definition, patch }));
    return {
      id: patch.id,
      upstream,
      tool: definition.name,
      callers: patch.principals,
      ofCallers: patch.ofPrincipals,
      why: patch.why,
      addToDescription: patch.addToDescription,
      schemaPatch: patch.schemaPatch.map((operation) => ({ ...operation })),
      ...(trial && { trial: { name: trial.spec.name, stage: trial.rollout.stage } }),
    };
  });
  return { proposals };
}

/** What an experiment shows that tries a proposal. @throws GatewayError `UNKNOWN_NAME` for one that is none, or none any more. */
export async function toProposedCandidate(sources: ProposalSources, id: string): Promise<Candidate> {
  const proposal = (await findProposals(sources, {})).find(({ patch }) => patch.id === id);
  if (proposal === undefined)
    throw new GatewayError('UNKNOWN_NAME', `There is no proposal "${id}" for a tool as it is now; "learn proposals" lists them`);
  const { upstream, definition, patch } = proposal;
  return { kind: 'description', upstream, tool: definition.name, description: patchedDescription(definition.description, patch) };
}

async function findProposals({ thread, versionOf, toolsOf }: ProposalSources, filter: ProposalFilter): Promise<Proposal[]> {
  const reports = await thread.ask<readonly ToolReport[]>('outcomes');
  const tools = reports.flatMap((report) => {
    const { upstream, tool, toolVersion } = report;
    if ((filter.upstream ?? upstream) !== upstream || (filter.tool ?? tool) !== tool) return [];
    // What is not listed now cannot be changed, and what has changed since was repaired as it was.
    const definition = toolsOf(upstream)?.find(({ name }) => name === tool);
    return definition === undefined || versionOf(upstream, tool).version !== toolVersion ? [] : [{ report, definition }];
  });
  const questions = tools.map(({ report, definition }): RepairQuestion => {
    return { tool: versionedTool(report), inputSchema: definition.inputSchema };
  });
  const repairs = await thread.ask<readonly (readonly Repair[])[]>('repairs', questions);
  return tools
    .flatMap(({ report: { upstream }, definition }, index) =>
      repairs[index]!.flatMap((repair): Proposal[] => {
        const patch = proposePatch(repair, definition);
        return patch === undefined ? [] : [{ upstream, definition, patch }];
      }),
    )
    .toSorted((one, other) => other.patch.principals - one.patch.principals);
}

function isTrialOf(candidate: Candidate, { upstream, definition: { name }, patch }: Proposal): boolean {
  if (candidate.kind !== 'description' || candidate.upstream !== upstream || candidate.tool !== name) return false;
  return candidate.description.endsWith(patch.addToDescription);
}
