import type { AnomaliesBody, AnomalyBody, ClustersBody, RestraintBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { countOf, durationText, localTime, sizeText, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

export interface AnomalyOptions {
  readonly since?: number;
  readonly upstream?: string;
  readonly kind?: string;
  readonly lines: number;
}

/** Shows what was abnormal, newest first. */
export async function learnAnomalies(context: CommandContext, { since, upstream, kind, lines }: AnomalyOptions): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const query = new URLSearchParams({
    limit: String(lines),
    ...(since !== undefined && { sinceMs: String(since) }),
    ...(upstream !== undefined && { upstream }),
    ...(kind !== undefined && { kind }),
  });
  const body = await running.get<AnomaliesBody>(`/learning/anomalies?${query.toString()}`);
  terminal.answer(body, function* () {
    if (body.anomalies.length === 0) yield 'Nothing abnormal';
    else
      yield* renderTable({
        columns: [
          { title: 'ID', paint: terminal.paint.bold },
          { title: 'LAST' },
          { title: 'TIMES', align: 'right' },
          { title: 'KIND' },
          { title: 'CALLER', shrinks: true },
          { title: 'TOOL', shrinks: true },
          { title: 'WHAT', shrinks: true },
          { title: 'SAID' },
          { title: 'HELD BACK' },
        ],
        rows: body.anomalies.map((anomaly) => [
          anomaly.id,
          localTime(new Date(anomaly.lastMs)),
          String(anomaly.count),
          anomaly.kind,
          toSafeLine(anomaly.principalName ?? anomaly.principal) || '-',
          anomaly.tool === '' ? '-' : toSafeLine(`${anomaly.upstream}.${anomaly.tool}`),
          evidenceText(anomaly),
          anomaly.feedback ?? '-',
          restraintText(anomaly),
        ]),
        width: terminal.width,
        paint: terminal.paint,
      });
    if (body.heldBack > 0) yield `${countOf(body.heldBack, 'time')} something was not told because enough was told that day`;
  });
  return EXIT.ok;
}

/** Tells the running gateway whether an anomaly was worth telling. */
export async function learnAnomalyFeedback(
  context: CommandContext,
  { id, verdict }: { readonly id: string; readonly verdict: string },
): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.post<AnomalyBody>('/learning/anomalies/feedback', { id, verdict });
  const more = verdict === 'noise' ? '; it takes more to tell the same again' : '';
  const lifted = body.restraint?.lifted === true ? ', and its caller is let go' : '';
  terminal.answer(body, () => [`${terminal.paint.green('✓')} ${id} is ${verdict}${more}${lifted}`]);
  return EXIT.ok;
}

/** Lets go who the running gateway holds back for an anomaly. */
export async function learnLift(context: CommandContext, { id }: { readonly id: string }): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.post<RestraintBody>('/learning/anomalies/lift', { id });
  terminal.answer(body, () => [`${terminal.paint.green('✓')} Nobody is held back for ${id} any more`]);
  return EXIT.ok;
}

/** Shows which of the newest sessions do the same. */
export async function learnClusters(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<ClustersBody>('/learning/clusters');
  terminal.answer(body, function* () {
    yield `${countOf(body.sessions, 'session')}, separation ${body.separation.toFixed(2)}`;
    if (body.clusters.length === 0) return;
    yield* renderTable({
      columns: [
        { title: 'SESSIONS', align: 'right' },
        { title: 'CALLS', align: 'right' },
        { title: 'MARKED BY', shrinks: true, paint: terminal.paint.bold },
        { title: 'CALLERS', shrinks: true },
        { title: 'CLIENTS', shrinks: true },
      ],
      rows: body.clusters.map(({ sessions, calls, marks, principals, clients }) => [
        String(sessions),
        String(calls),
        toSafeLine(marks.join(', ')),
        toSafeLine(principals.map(({ principal, principalName }) => principalName ?? (principal || '-')).join(', ')),
        toSafeLine(clients.map(({ client }) => client || '-').join(', ')),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    });
  });
  return EXIT.ok;
}

function restraintText({ restraint }: AnomalyBody): string {
  if (restraint === undefined) return '-';
  return restraint.lifted ? 'lifted' : `until ${localTime(new Date(restraint.untilMs))}`;
}

function evidenceText({ kind, measure, observed, expected, low, high, calls }: AnomalyBody): string {
  if (kind === 'first-use') return `never in ${countOf(calls, 'call')}`;
  if (kind === 'destination') return `another destination than in ${countOf(calls, 'call')}`;
  if (kind === 'sequence') return `another order than in ${countOf(calls, 'call')}`;
  if (kind === 'shape') return `other arguments than in ${countOf(calls, 'call')}`;
  const text = (amount: number): string => {
    if (measure === 'ms') return durationText(amount);
    if (measure === 'failure share') return `${Math.round(100 * amount)} %`;
    return measure === 'calls in 5 minutes' ? `${Math.round(amount)} in 5 min` : sizeText(Math.round(amount));
  };
  if (kind === 'failures') return `fails again and again, ${text(expected)} is usual`;
  return `${text(observed)}, usual is ${text(expected)} (${text(low)} to ${text(high)})`;
}
