import type { SurfacesBody } from '@signalbox/control-plane';
import { renderTable, type TableOptions } from '../terminal/table.ts';
import { toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Shows what the lists of tools cost with each surface, and which one fits which client. */
export async function learnSurfaces(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.get<SurfacesBody>('/learning/surfaces');
  terminal.answer(body, function* () {
    yield* renderTable({
      columns: [
        { title: 'ADDRESS', paint: terminal.paint.bold },
        { title: 'SURFACE' },
        { title: 'TOOLS', align: 'right' },
        { title: 'TOKENS: ALL', align: 'right' },
        { title: 'HOT', align: 'right' },
        { title: 'SEARCH', align: 'right' },
      ],
      rows: body.addresses.map(({ server, surface, tools, tokens }) => [
        toSafeLine(server ?? 'everything'),
        surface,
        String(tools),
        String(tokens.all),
        String(tokens.hot),
        String(tokens.search),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    });
    if (body.clients.length > 0) yield '';
    if (body.clients.length > 0) yield* renderTable({ ...clientTable(body), width: terminal.width, paint: terminal.paint });
    if (body.addresses.some(({ estimated }) => estimated)) yield 'Some of it is estimated at four bytes a token, as it is not counted';
  });
  return EXIT.ok;
}

function clientTable({ clients }: SurfacesBody): Pick<TableOptions, 'columns' | 'rows'> {
  return {
    columns: [
      { title: 'CLIENT', shrinks: true },
      { title: 'CONVERSATIONS', align: 'right' },
      { title: 'SEARCHES', align: 'right' },
      { title: 'SERVED', align: 'right' },
      { title: 'AGAIN', align: 'right' },
      { title: 'ADDRESS' },
      { title: 'SURFACE' },
      { title: 'ADVISED' },
      { title: 'WHY', shrinks: true },
    ],
    rows: clients.flatMap(({ client, conversations, searches, served, repeated, advice }) =>
      advice.map(({ server, surface, advised, reason }) => [
        toSafeLine(client) || '-',
        String(conversations),
        String(searches),
        served === undefined ? '-' : percent(served.share),
        repeated === undefined ? '-' : percent(repeated),
        toSafeLine(server ?? 'everything'),
        surface,
        advised ?? '-',
        toSafeLine(reason),
      ]),
    ),
  };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
