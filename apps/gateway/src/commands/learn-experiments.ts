import type { ExperimentAction, ExperimentBody, ExperimentsBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { countOf, localTime, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

export interface StartOptions {
  readonly name: string;
  readonly kind: string;
  readonly limit?: number;
  readonly share?: number;
  readonly minHours?: number;
  readonly alpha?: number;
}

/** Lists experiments, the latest first. */
export async function listExperiments(context: CommandContext): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerList(context, await running.get<ExperimentsBody>('/learning/experiments'));
  return EXIT.ok;
}

/** Shows what an experiment has shown. */
export async function showExperiment(context: CommandContext, { name }: { readonly name: string }): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerOne(context, await running.get<ExperimentBody>(`/learning/experiments/${encodeURIComponent(name)}`));
  return EXIT.ok;
}

/** Has the running gateway try a candidate on a share of conversations. */
export async function startExperiment(context: CommandContext, options: StartOptions): Promise<ExitCode> {
  const { name, kind, limit, share, minHours, alpha } = options;
  const running = await requireRunning(context);
  const request = Object.fromEntries(
    Object.entries({ name, kind, limit, share, minHours, alpha }).filter(([, value]) => value !== undefined),
  );
  answerOne(context, await running.post<ExperimentBody>('/learning/experiments', request));
  return EXIT.ok;
}

/** Stops, freezes, thaws or removes an experiment. */
export async function steerExperiment(
  context: CommandContext,
  { name, action }: { readonly name: string; readonly action: ExperimentAction },
): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerList(context, await running.post<ExperimentsBody>(`/learning/experiments/${encodeURIComponent(name)}`, { action }));
  return EXIT.ok;
}

function answerList({ terminal }: CommandContext, body: ExperimentsBody): void {
  terminal.answer(body, () =>
    body.experiments.length === 0
      ? ['None yet']
      : renderTable({
          columns: [
            { title: 'NAME', paint: terminal.paint.bold, shrinks: true },
            { title: 'WHAT' },
            { title: 'STAGE' },
            { title: 'SINCE' },
            { title: 'SHARE', align: 'right' },
            { title: 'FOUND', align: 'right' },
            { title: 'WHY', shrinks: true },
          ],
          rows: body.experiments.map((experiment) => [
            toSafeLine(experiment.name),
            whatText(experiment),
            stageText(experiment),
            localTime(new Date(experiment.sinceMs)),
            percent(experiment.currentShare),
            differenceText(experiment.metrics.find(({ metric }) => metric === 'found')),
            toSafeLine(experiment.steps.at(-1)?.reason ?? ''),
          ]),
          width: terminal.width,
          paint: terminal.paint,
        }),
  );
}

function answerOne({ terminal }: CommandContext, body: ExperimentBody): void {
  terminal.answer(body, function* () {
    yield `${terminal.paint.bold(toSafeLine(body.name))}: ${whatText(body)}, ${stageText(body)} since ${localTime(new Date(body.sinceMs))}`;
    yield `${percent(body.currentShare)} of conversations get it: ${countOf(body.units.candidate, 'conversation')}, beside ${body.units.control} without`;
    yield '';
    yield* renderTable({
      columns: [
        { title: 'METRIC', paint: terminal.paint.bold },
        { title: 'CONTROL', align: 'right' },
        { title: 'CANDIDATE', align: 'right' },
        { title: 'DIFFERENCE' },
      ],
      rows: body.metrics.map((metric) => [metric.metric, armText(metric.control), armText(metric.candidate), differenceText(metric)]),
      width: terminal.width,
      paint: terminal.paint,
    });
    yield '';
    for (const { atMs, stage, reason } of body.steps) yield `${localTime(new Date(atMs))} ${stage}: ${toSafeLine(reason)}`;
  });
}

function whatText({ kind, limit }: ExperimentBody): string {
  return kind === 'limit' ? `${limit} tools for a need` : 'learned ranking';
}

function stageText({ stage, frozen }: ExperimentBody): string {
  return frozen ? `${stage}, frozen` : stage;
}

function armText({ count, mean }: ExperimentBody['metrics'][number]['control']): string {
  return mean === undefined ? '-' : `${percent(mean)} of ${count}`;
}

function differenceText(metric: ExperimentBody['metrics'][number] | undefined): string {
  if (metric?.low === undefined || metric.high === undefined) return 'too early to say';
  return `${points(metric.difference)} (${points(metric.low)} to ${points(metric.high)})`;
}

function points(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(1)} %`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
