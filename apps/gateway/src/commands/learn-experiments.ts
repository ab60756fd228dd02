import type { ExperimentBody, ExperimentsBody } from '@signalbox/control-plane';
import { renderTable, type Column } from '../terminal/table.ts';
import { countOf, localTime, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

const PATH = '/learning/experiments';

/** Lists what is on trial in the running gateway. */
export async function experimentList(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<ExperimentsBody>(PATH);
  terminal.answer(body, () =>
    table(
      context,
      [
        { title: 'EXPERIMENT', paint: terminal.paint.bold },
        { title: 'KIND' },
        { title: 'STAGE' },
        right('SHARE'),
        right('CONTROL'),
        right('CANDIDATE'),
        { title: 'WHY', shrinks: true },
      ],
      body.experiments.map(({ name, kind, stage, isFrozen, shareInForce, sessions, steps }) => [
        name,
        kind,
        isFrozen ? `${stage}, frozen` : stage,
        percent(shareInForce),
        String(sessions.control),
        String(sessions.candidate),
        toSafeLine(steps.at(-1)?.reason ?? ''),
      ]),
    ),
  );
  return EXIT.ok;
}

/** Shows what an experiment has shown by now. */
export async function experimentShow(context: CommandContext, { name }: { readonly name: string }): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerExperiment(context, await running.get<ExperimentBody>(`${PATH}/${encodeURIComponent(name)}`));
  return EXIT.ok;
}

export interface StartOptions {
  readonly name: string;
  readonly kind: string;
  readonly limit?: number;
  readonly upstream?: string;
  readonly tool?: string;
  readonly description?: string;
  readonly proposal?: string;
  readonly goal?: string;
  readonly share?: number;
  readonly alpha?: number;
  readonly horizon?: number;
  readonly minStage?: number;
  readonly guard: readonly { readonly metric: string; readonly margin: number }[];
}

/** Starts an experiment in the running gateway. */
export async function experimentStart(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const { name, kind, limit, upstream, tool, description, proposal, goal, share, alpha, horizon, minStage, guard } = options;
  const asked = { name, kind, limit, upstream, tool, description, proposal, goal, share, alpha, horizon, minStageSeconds: minStage };
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const running = await requireRunning(context);
  answerExperiment(context, await running.post<ExperimentBody>(PATH, { ...given, ...(guard.length > 0 && { guards: guard }) }));
  return EXIT.ok;
}

/** Stops, freezes or thaws an experiment. */
export async function experimentSteer(
  context: CommandContext,
  { name, command }: { readonly name: string; readonly command: 'stop' | 'freeze' | 'thaw' },
): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerExperiment(context, await running.post<ExperimentBody>(`${PATH}/${encodeURIComponent(name)}/${command}`));
  return EXIT.ok;
}

/** Lets go of an experiment that has ended. */
export async function experimentRemove(context: CommandContext, { name }: { readonly name: string }): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.delete<{ readonly removed: string }>(`${PATH}/${encodeURIComponent(name)}`);
  terminal.answer(body, () => [`${terminal.paint.green('✓')} Removed ${body.removed}`]);
  return EXIT.ok;
}

function answerExperiment(context: CommandContext, body: ExperimentBody): void {
  const { terminal } = context;
  terminal.answer(body, function* () {
    const { name, kind, stage, isFrozen, shareInForce, sessions, isBalanced, metrics, steps } = body;
    yield `${terminal.paint.bold(name)} (${kind}): ${stage}${isFrozen ? ', frozen' : ''}, shown to ${percent(shareInForce)} of sessions`;
    const balance = isBalanced ? '' : ', which is not as they should be divided';
    yield `${countOf(sessions.control, 'session')} with the control, ${sessions.candidate} with the candidate${balance}`;
    yield '';
    yield* table(
      context,
      [
        { title: 'METRIC', paint: terminal.paint.bold },
        { title: 'ROLE' },
        right('CONTROL'),
        right('CANDIDATE'),
        right('DIFFERENCE'),
        right('FROM'),
        right('TO'),
        { title: 'VERDICT' },
      ],
      metrics.map(({ metric, role, margin, control, candidate, difference, low, high, verdict }) => [
        metric,
        margin === undefined ? role : `${role} ±${margin}`,
        number(control.mean),
        number(candidate.mean),
        number(difference),
        number(low),
        number(high),
        verdict,
      ]),
    );
    yield '';
    yield* table(
      context,
      [right('STEP'), { title: 'WHEN' }, { title: 'STAGE' }, { title: 'WHY', shrinks: true }],
      steps.map((step) => [String(step.version), localTime(new Date(step.atMs)), step.stage, toSafeLine(step.reason)]),
    );
  });
}

function table({ terminal }: Pick<CommandContext, 'terminal'>, columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['Nothing yet'];
  return renderTable({ columns, rows, width: terminal.width, paint: terminal.paint });
}

function right(title: string): Column {
  return { title, align: 'right' };
}

function number(value: number | undefined): string {
  return value === undefined ? '-' : String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(1))} %`;
}
