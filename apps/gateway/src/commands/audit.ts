import type { AuditBody, AuditVerdictBody } from '@signalbox/control-plane';
import { renderTable } from '../terminal/table.ts';
import { countOf, localTime, toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { openAdmin } from './open-admin.ts';
import { streamTo } from './stream-to.ts';

export interface AuditFilters {
  readonly kind?: string;
  readonly upstream?: string;
  readonly name?: string;
  readonly principal?: string;
  readonly status?: string;
}

export interface AuditListOptions extends AuditFilters {
  readonly lines: number;
}

const PAGE = 500;

/** Shows the newest records of the audit. */
export async function auditList(context: CommandContext, { lines, ...filters }: AuditListOptions): Promise<ExitCode> {
  const { terminal } = context;
  await using admin = await openAdmin(context);
  const entries: AuditBody['entries'][number][] = [];
  let next: string | undefined;
  do {
    const query = toQuery({ ...pick(filters), limit: String(Math.min(PAGE, lines - entries.length)), cursor: next });
    const page = await admin.get<AuditBody>(`/audit${query}`);
    entries.push(...page.entries);
    next = page.next;
  } while (next !== undefined && entries.length < lines);
  terminal.answer({ entries }, () =>
    renderTable({
      columns: [{ title: 'RECORD', paint: terminal.paint.bold }, { title: 'WHEN' }, { title: 'KIND' }, { title: 'WHAT', shrinks: true }],
      rows: entries.map(({ chain, sequence, kind, record }) => [
        `${chain}/${sequence}`,
        localTime(new Date('atMs' in record ? record.atMs : record.startedAtMs)),
        kind,
        whatText(record),
      ]),
      width: terminal.width,
      paint: terminal.paint,
    }),
  );
  return EXIT.ok;
}

/** Says whether every record is as it was written. */
export async function auditVerify(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  await using admin = await openAdmin(context);
  const verdict = await admin.get<AuditVerdictBody>('/audit/verify');
  terminal.answer(verdict, function* () {
    const { paint } = terminal;
    for (const { chain, first, last, head, broken } of verdict.chains)
      yield broken === undefined
        ? `${paint.green('✓')} ${chain}: ${countOf(Math.max(0, last - first + 1), 'record')}, ending in ${head}`
        : `${paint.red('✗')} ${chain}: record ${broken.sequence} ${broken.reason}`;
    if (verdict.chains.length === 0) yield 'There are no records';
  });
  return verdict.isSound ? EXIT.ok : EXIT.failed;
}

export interface AuditExportOptions extends AuditFilters {
  readonly output?: string;
}

/** Writes all records that fit, one JSON object a line. */
export async function auditExport(context: CommandContext, { output, ...filters }: AuditExportOptions): Promise<ExitCode> {
  await using admin = await openAdmin(context);
  const response = await admin.open('GET', `/audit/export${toQuery(pick(filters))}`);
  await streamTo(response, context, output);
  return EXIT.ok;
}

function pick({ kind, upstream, name, principal, status }: AuditFilters): AuditFilters {
  return {
    ...(kind && { kind }),
    ...(upstream && { upstream }),
    ...(name && { name }),
    ...(principal && { principal }),
    ...(status && { status }),
  };
}

function toQuery(values: Readonly<Record<string, string | undefined>> | AuditFilters): string {
  const given = Object.entries(values).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

function whatText(record: AuditBody['entries'][number]['record']): string {
  if ('lines' in record) return toSafeLine([record.by, record.action, ...record.lines].join(' · '));
  return toSafeLine([record.status, record.method, record.name ?? '', record.upstream ?? ''].filter((part) => part !== '').join(' · '));
}
