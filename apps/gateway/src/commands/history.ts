import type { VersionsBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { localTime, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { openAdmin } from './open-admin.ts';

export interface HistoryOptions {
  readonly lines: number;
  readonly by?: string;
  readonly action?: string;
}

const PAGE = 500;

/** Lists the versions there have been of what is wanted, newest first. */
export async function history(context: CommandContext, { lines, by, action }: HistoryOptions): Promise<ExitCode> {
  const { terminal } = context;
  await using admin = await openAdmin(context);
  const versions: VersionsBody['versions'][number][] = [];
  let next: string | undefined;
  do {
    const query = new URLSearchParams({ limit: String(Math.min(PAGE, lines - versions.length)) });
    for (const [name, value] of Object.entries({ by, action, cursor: next })) if (value !== undefined) query.set(name, value);
    const page = await admin.get<VersionsBody>(`/versions?${query.toString()}`);
    versions.push(...page.versions);
    next = page.next;
  } while (next !== undefined && versions.length < lines);
  terminal.answer({ versions }, () =>
    renderTable({
      columns: [
        { title: 'VERSION', align: 'right', paint: terminal.paint.bold },
        { title: 'WHEN' },
        { title: 'BY' },
        { title: 'ACTION' },
        { title: 'WHAT', shrinks: true },
        { title: 'WHY', shrinks: true, paint: terminal.paint.dim },
      ],
      rows: versions.map((version) => [
        String(version.version),
        localTime(new Date(version.atMs)),
        version.by,
        version.action,
        whatText(version),
        toSafeLine(version.reason ?? ''),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    }),
  );
  return EXIT.ok;
}

function whatText({ paths, restarts = [], target, isFileChanged }: VersionsBody['versions'][number]): string {
  const parts = [...(target === undefined ? [] : [`to version ${target}`]), ...restarts, ...paths, ...(isFileChanged ? ['the file'] : [])];
  return toSafeLine(parts.join(', '));
}
