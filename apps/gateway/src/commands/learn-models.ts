import type { ForgottenBody, ModelCommitsBody, ModelDiffBody, ReplayedBody, TagBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { countOf, durationText, localTime, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Characters of a hash that are shown; as many are taken where one is given. */
const SHOWN = 12;

/** Lists the commits of what was learned, newest first. */
export async function learnModels(context: CommandContext, { lines }: { readonly lines: number }): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<ModelCommitsBody>(`/learning/models?limit=${lines}`);
  terminal.answer(body, () =>
    body.commits.length === 0
      ? ['Nothing yet']
      : renderTable({
          columns: [
            { title: 'COMMIT', paint: terminal.paint.bold },
            { title: 'WHEN' },
            { title: 'FACTS', align: 'right' },
            { title: 'NAMED' },
            { title: 'WHAT', shrinks: true },
          ],
          rows: body.commits.map(({ id, atMs, facts, refs, message }) => [
            id.slice(0, SHOWN),
            localTime(new Date(atMs)),
            String(facts),
            refs.join(', '),
            toSafeLine(message),
          ]),
          width: terminal.width,
          paint: terminal.paint,
        }),
  );
  return EXIT.ok;
}

/** Shows what was learned between two commits. */
export async function learnDiff(
  context: CommandContext,
  { from, to, lines }: { readonly from: string; readonly to: string; readonly lines: number },
): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<ModelDiffBody>(
    `/learning/models/${encodeURIComponent(from)}/diff/${encodeURIComponent(to)}?limit=${lines}`,
  );
  terminal.answer(body, function* () {
    yield `${body.added} rows added, ${body.changed} changed, ${body.removed} removed`;
    if (body.rows.length === 0) return;
    yield* renderTable({
      columns: [
        { title: 'TABLE' },
        { title: 'ROW', shrinks: true, paint: terminal.paint.bold },
        { title: 'BEFORE', shrinks: true },
        { title: 'AFTER', shrinks: true },
      ],
      rows: body.rows.map(({ table, key, before, after }) => [
        table,
        toSafeLine(key.replaceAll('\0', ' ')),
        numbersText(before),
        numbersText(after),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    });
  });
  return EXIT.ok;
}

function numbersText(numbers: readonly number[] | undefined): string {
  return numbers === undefined ? '-' : numbers.map((number) => Number(number.toPrecision(4))).join(' ');
}

/** Has the running gateway go on from an older commit. */
export async function learnRollback(context: CommandContext, { to }: { readonly to: string }): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.post<{ readonly commit: string }>('/learning/rollback', { to });
  terminal.answer(body, () => [`${terminal.paint.green('✓')} Goes on from ${to}, as commit ${body.commit.slice(0, SHOWN)}`]);
  return EXIT.ok;
}

/** Has the running gateway name a commit, or take a name away. */
export async function learnTag(
  context: CommandContext,
  { name, commit, isRemoved }: { readonly name: string; readonly commit: string | undefined; readonly isRemoved: boolean },
): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  if (isRemoved) {
    const gone = await running.delete<{ readonly name: string }>(`/learning/tags/${encodeURIComponent(name)}`);
    terminal.answer(gone, () => [`${terminal.paint.green('✓')} ${toSafeLine(name)} is gone`]);
    return EXIT.ok;
  }
  const body = await running.post<TagBody>('/learning/tags', { name, ...(commit !== undefined && { commit }) });
  terminal.answer(body, () => [`${terminal.paint.green('✓')} ${toSafeLine(name)} is commit ${body.commit.slice(0, SHOWN)}`]);
  return EXIT.ok;
}

/** Has the running gateway learn all kept facts anew, beside what is in use. */
export async function learnReplay(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.post<ReplayedBody>('/learning/replay');
  terminal.answer(body, () => [
    `${countOf(body.facts, 'fact')} in ${durationText(body.tookMs)}, ${Math.round(body.timesRealTime)} times as fast as they came`,
    `root ${body.root.slice(0, SHOWN)}, ${body.isSame ? 'the same as in use' : 'another than in use, which knows of more than the facts that are kept'}`,
  ]);
  return EXIT.ok;
}

export interface ForgetOptions {
  readonly principal?: string;
  readonly upstream?: string;
  readonly tool?: string;
  readonly since?: number;
  readonly until?: number;
}

/** Has the running gateway forget, and shows the proof. */
export async function learnForget(context: CommandContext, { principal, upstream, tool, since, until }: ForgetOptions): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const asked = { principal, upstream, tool, sinceMs: since, untilMs: until };
  const request = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const body = await running.post<ForgottenBody>('/learning/forget', request);
  terminal.answer(body, () => [
    `${terminal.paint.green('✓')} ${countOf(body.forgotten, 'fact')} forgotten, ${body.kept} kept`,
    `root before ${body.before.slice(0, SHOWN)}, after ${body.after.slice(0, SHOWN)}, commit ${body.commit.slice(0, SHOWN)}`,
  ]);
  return EXIT.ok;
}
