import type { ProposalsBody } from '@signalbox/control-plane';
import { toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

export interface ProposalOptions {
  readonly upstream?: string | undefined;
  readonly tool?: string | undefined;
}

/** Shows changes of definitions that would have saved callers a failure. */
export async function learnProposals(context: CommandContext, { upstream, tool }: ProposalOptions): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const query = new URLSearchParams({ ...(upstream !== undefined && { upstream }), ...(tool !== undefined && { tool }) });
  const body = await running.get<ProposalsBody>(`/learning/proposals?${query.toString()}`);
  terminal.answer(body, function* () {
    if (body.proposals.length === 0) yield 'Nothing yet';
    for (const [index, proposal] of body.proposals.entries()) {
      if (index > 0) yield '';
      yield `${terminal.paint.bold(`${proposal.upstream}.${toSafeLine(proposal.tool)}`)}  ${terminal.paint.dim(proposal.id)}`;
      yield `  because      ${toSafeLine(proposal.why)}`;
      yield `  description  add "${toSafeLine(proposal.addToDescription)}"`;
      for (const { op, path, value } of proposal.schemaPatch)
        yield `  schema       ${op} ${toSafeLine(path)} ${toSafeLine(JSON.stringify(value))}`;
      const { trial } = proposal;
      const start = `signalbox learn experiment start <name> --kind description --goal failed --proposal ${proposal.id}`;
      yield trial === undefined ? `  try it       ${start}` : `  on trial     "${trial.name}", ${trial.stage}`;
    }
  });
  return EXIT.ok;
}
