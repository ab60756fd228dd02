import type { LearningBody, SequencesBody, ToolInsightsBody, WhyBody } from '@signalbox/control-plane';
import { renderTable, type Column } from '../terminal/table.ts';
import { countOf, durationText, sizeText, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Shows how learning fares in the running gateway. */
export async function learnStatus(context: CommandContext): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerStatus(context, await running.get<LearningBody>('/learning'));
  return EXIT.ok;
}

/** Has the running gateway stop learning, or go on. */
export async function learnFreeze(context: CommandContext, { isFrozen }: { readonly isFrozen: boolean }): Promise<ExitCode> {
  const running = await requireRunning(context);
  answerStatus(context, await running.post<LearningBody>('/learning/freeze', { frozen: isFrozen }));
  return EXIT.ok;
}

function answerStatus({ terminal }: CommandContext, body: LearningBody): void {
  const { state, reason, facts, models, nextTool, adviceVersion, restarts, cpuSeconds, otherGateways, commit } = body;
  terminal.answer(body, function* () {
    yield `${terminal.paint.bold(state)}${reason === undefined ? '' : `: ${toSafeLine(reason)}`}`;
    yield `advice ${adviceVersion === 0 ? 'none yet, the static policy is in force' : `version ${adviceVersion}`}`;
    yield `${countOf(facts.learned, 'fact')} learned, ${facts.dropped} dropped, ${facts.kept} kept for replay`;
    yield `${durationText(cpuSeconds * 1000)} of CPU, started anew ${restarts} times${commit === undefined ? '' : `, last commit ${commit.slice(0, 12)}`}`;
    if (otherGateways > 0) yield `advises with what ${countOf(otherGateways, 'other gateway')} of the same store learned, too`;
    if (nextTool !== undefined && nextTool.told > 0) yield nextToolText(nextTool);
    if (models.length === 0) return;
    yield '';
    yield* table(
      { terminal },
      [{ title: 'MODEL', paint: terminal.paint.bold }, right('ROWS'), right('SIZE')],
      models.map(({ name, rows, bytes }) => [name, String(rows), sizeText(bytes)]),
    );
  });
}

function nextToolText({ told, first, amongThree, sure, sureRight }: NonNullable<LearningBody['nextTool']>): string {
  const ofSure = sure === 0 ? '' : `; of ${sure} that it was sure of ${percent(sureRight / sure)}`;
  return `the next tool was foretold for ${percent(first / told)} of ${countOf(told, 'call')}, among three for ${percent(amongThree / told)}${ofSure}`;
}

/** Shows which tools a client would be shown for a need, and what speaks for each. */
export async function learnWhy(
  context: CommandContext,
  { need, server }: { readonly need: string; readonly server?: string | undefined },
): Promise<ExitCode> {
  const running = await requireRunning(context);
  const query = new URLSearchParams({ need, ...(server !== undefined && { server }) });
  const body = await running.get<WhyBody>(`/learning/why?${query.toString()}`);
  context.terminal.answer(body, () =>
    table(
      context,
      [
        right('PLACE'),
        { title: 'TOOL', paint: context.terminal.paint.bold },
        { title: 'SERVER' },
        right('SCORE'),
        right('STATIC'),
        { title: 'WHY', shrinks: true },
      ],
      body.matches.map(({ name, upstream, score, staticRank, why }, index) => [
        String(index + 1),
        toSafeLine(name),
        upstream,
        String(score),
        staticRank === 0 ? '-' : String(staticRank),
        toSafeLine(why ?? 'its words'),
      ]),
    ),
  );
  return EXIT.ok;
}

/** Shows what is known of the behaviour of each tool. */
export async function learnTools(context: CommandContext): Promise<ExitCode> {
  const running = await requireRunning(context);
  const body = await running.get<ToolInsightsBody>('/learning/tools');
  context.terminal.answer(body, function* () {
    yield* table(
      context,
      [
        { title: 'TOOL', paint: context.terminal.paint.bold },
        { title: 'SERVER' },
        right('CALLS'),
        right('FAILED'),
        right('RISK'),
        right('P95'),
        right('WAIT'),
        { title: 'EFFECT' },
        { title: 'CACHE' },
        { title: 'NEXT', shrinks: true },
      ],
      body.tools.map(({ tool, upstream, calls, failed, failureRisk, p95Ms, timeoutMs, effect, cache, next }) => [
        toSafeLine(tool),
        upstream,
        String(calls),
        String(failed),
        failureRisk === undefined ? '-' : percent(failureRisk),
        p95Ms === undefined ? '-' : durationText(p95Ms),
        timeoutMs === undefined ? '-' : durationText(timeoutMs),
        effect,
        cache.kind === 'never' ? 'never' : durationText(cache.ttlMs),
        toSafeLine(next.map((each) => `${each.tool} ${percent(each.share)}`).join(', ')),
      ]),
    );
    for (const { upstream, tool, hints, fallbacks, failing } of body.tools) {
      const name = toSafeLine(`${upstream}.${tool}`);
      for (const hint of hints) yield `${name}: ${toSafeLine(hint)}`;
      if (fallbacks.length > 1) yield `${name}: falls back on ${fallbacks.map(fallbackText).join(', ')}`;
      if (failing !== undefined) yield `${name}: ${failingText(failing)}`;
    }
  });
  return EXIT.ok;
}

function fallbackText({ upstream, attempts, failed, share, heldBack }: ToolInsightsBody['tools'][number]['fallbacks'][number]): string {
  const place = share === undefined ? '' : heldBack === true ? ', last' : `, first in ${percent(share)}`;
  return `${toSafeLine(upstream)} (${Math.round(failed)} of ${countOf(Math.round(attempts), 'attempt')} of late failed${place})`;
}

function failingText({ failures, sinceMs, risk, askedLast }: NonNullable<ToolInsightsBody['tools'][number]['failing']>): string {
  const next = risk === undefined ? '' : `, and the next attempt fails in ${percent(risk)}`;
  const place = askedLast ? '; its fallbacks are asked first' : '';
  return `its server has failed ${countOf(failures, 'time')} in a row, last ${durationText(sinceMs)} ago${next}${place}`;
}

/** Shows calls that follow each other again and again. */
export async function learnSequences(context: CommandContext, { lines }: { readonly lines: number }): Promise<ExitCode> {
  const running = await requireRunning(context);
  const body = await running.get<SequencesBody>(`/learning/sequences?limit=${lines}`);
  context.terminal.answer(body, () => [
    ...table(
      context,
      [right('TIMES'), right('SUCCEEDED'), { title: 'CALLS', shrinks: true }],
      body.sequences.map(({ tools, count, succeeded }) => [String(count), percent(succeeded), pathText(tools)]),
    ),
    ...(body.ahead.length === 0 ? [] : ['', 'Called before anybody asks, where it is read only and its answers are cached:']),
    ...(body.ahead.length === 0
      ? []
      : table(
          context,
          [right('SURE'), { title: 'AFTER', shrinks: true }, { title: 'CALL', shrinks: true }, { title: 'ARGUMENTS', shrinks: true }],
          body.ahead.map(({ after, upstream, tool, arguments: args, share }) => [
            percent(share),
            pathText(after.toReversed()),
            toSafeLine(`${upstream}.${tool}`),
            toSafeLine(args.map(({ name, from }) => `${name}: ${from}`).join('; ') || 'none'),
          ]),
        )),
  ]);
  return EXIT.ok;
}

function pathText(tools: readonly { readonly upstream: string; readonly tool: string }[]): string {
  return toSafeLine(tools.map(({ upstream, tool }) => `${upstream}.${tool}`).join(' → '));
}

function table({ terminal }: Pick<CommandContext, 'terminal'>, columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return ['Nothing yet'];
  return renderTable({ columns, rows, width: terminal.width, paint: terminal.paint });
}

function right(title: string): Column {
  return { title, align: 'right' };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
