import type { StatusBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { countOf, durationText, localTime } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning, uptimeMsOf, type RunningGateway } from './running-gateway.ts';
import { failureDetails, leftOutText, paintState, reasonText } from './upstream-line.ts';

/** Shows the running gateway and what is observed of each upstream. */
export async function status(context: CommandContext): Promise<ExitCode> {
  const running = await requireRunning(context);
  context.terminal.answer({ ...running.status, startedAt: running.runtime.startedAt, configPath: running.runtime.configPath }, () =>
    render(running, context),
  );
  return EXIT.ok;
}

function* render({ runtime, status }: RunningGateway, { terminal }: CommandContext): Iterable<string> {
  const { paint, width } = terminal;
  const { sessions, upstreams } = status;
  yield `${paint.bold('Signalbox')} ${status.version} at ${paint.bold(status.address ?? 'stdio')}`;
  yield `  process ${status.pid}, up ${durationText(uptimeMsOf(runtime))} (since ${localTime(new Date(runtime.startedAt))})`;
  yield `  ${countOf(sessions.open, 'session')}, ${countOf(sessions.streams, 'open stream')}`;
  if (runtime.configPath !== null) yield `  configuration ${runtime.configPath}`;
  yield '';
  yield* upstreams.length === 0 ? ['No server is configured'] : renderUpstreams(status, { paint, width });
  if (status.virtualServers.length > 0) yield* ['', ...renderVirtualServers(status, { paint, width })];
}

function renderVirtualServers(
  { virtualServers, address }: StatusBody,
  { paint, width }: Pick<CommandContext['terminal'], 'paint' | 'width'>,
): string[] {
  return renderTable({
    columns: [
      { title: 'VIRTUAL SERVER', paint: paint.bold },
      { title: 'ADDRESS' },
      { title: 'SURFACE' },
      { title: 'TOOLS', align: 'right' },
      { title: 'MADE OF', shrinks: true, paint: paint.dim },
    ],
    rows: virtualServers.map(({ name, path, surface, tools, upstreams }) => [
      name,
      address === null ? path : new URL(path, address).href,
      surface,
      String(tools),
      upstreams.join(', '),
    ]),
    width,
    paint,
  });
}

function renderUpstreams({ upstreams }: StatusBody, { paint, width }: Pick<CommandContext['terminal'], 'paint' | 'width'>): string[] {
  const states = new Map(upstreams.map(({ name, state }) => [name, state]));
  const table = renderTable({
    columns: [
      { title: 'NAME', paint: paint.bold },
      { title: 'STATE', paint: (text, [name]) => paintState(text, states.get(name!)!, paint) },
      { title: 'TOOLS', align: 'right' },
      { title: 'CALLS', align: 'right' },
      { title: 'FAILED', align: 'right' },
      { title: 'IN FLIGHT', align: 'right' },
      { title: 'RESTARTS', align: 'right' },
      { title: 'REASON', shrinks: true, paint: paint.dim },
    ],
    rows: upstreams.map((upstream) => [
      upstream.name,
      upstream.state,
      ...[upstream.tools, upstream.calls, upstream.failures, upstream.inFlight, Math.max(0, upstream.starts - 1)].map(String),
      upstream.state === 'failed' ? 'see below' : reasonText(upstream),
    ]),
    width,
    paint,
  });
  const failed = upstreams.filter(({ state }) => state === 'failed');
  const details = failed.flatMap((upstream) => [
    `${paint.red('✗')} ${upstream.name}: ${reasonText(upstream)}`,
    ...failureDetails(upstream, paint).map((line) => `  ${line}`),
  ]);
  const leftOut = upstreams.flatMap((upstream) => {
    const text = leftOutText(upstream);
    return text === undefined ? [] : [`${paint.yellow('!')} ${upstream.name}: ${text}`];
  });
  return [...table, ...(failed.length + leftOut.length > 0 ? [''] : []), ...details, ...leftOut];
}
