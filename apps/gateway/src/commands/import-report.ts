import type { FoundFile } from '../import/find-servers.ts';
import type { WrittenFile } from '../import/apply-import.ts';
import { CLIENTS, type ClientId } from '../import/clients.ts';
import type { ImportReport, PlannedServer } from '../import/import-plan.ts';
import type { Paint } from '../terminal/paint.ts';
import { countOf, toSafeLine } from '../terminal/text.ts';
import { paintDiff } from './change-config.ts';

export interface ImportView {
  readonly found: readonly FoundFile[];
  readonly connect: boolean;
  readonly secretsAsReferences: boolean;
  readonly paint: Paint;
  readonly home: string;
}

/** What an import found and would do, as lines for people. */
export function* renderImport(report: ImportReport, view: ImportView): Iterable<string> {
  const { paint, home } = view;
  for (const { client, path, servers, problem } of view.found) {
    yield `${paint.bold(titleOf(client))}  ${paint.dim(shortPath(path, home))}  ${problem === undefined ? countOf(servers, 'server') : paint.red(`cannot be read: ${toSafeLine(problem)}`)}`;
    for (const server of report.servers) if (server.file === path) yield* serverLines(server, paint);
  }
  yield '';
  if (report.diff !== '') {
    yield paint.bold(`Changes to ${shortPath(report.configPath, home)}`);
    yield* paintDiff(report.diff, paint);
    yield '';
  }
  for (const { client, file, action, reason, diff } of report.connections) {
    if (action === 'skip') yield `${paint.dim('-')} ${titleOf(client)} is left as it is: ${reason ?? ''}`;
    else {
      yield paint.bold(`Changes to ${shortPath(file, home)}`);
      yield* paintDiff(diff, paint);
    }
    yield '';
  }
  yield* secretLines(report, view);
}

/** What was written, and how to take it back. */
export function renderWritten(written: readonly WrittenFile[], paint: Paint): string[] {
  const undo = written.map(({ path, backup }) => (backup === undefined ? `rm ${quote(path)}` : `cp ${quote(backup)} ${quote(path)}`));
  return [...written.map(({ path }) => `${paint.green('✓')} Written: ${path}`), '', 'To take it back:', ...undo.map((line) => `  ${line}`)];
}

function* serverLines(server: PlannedServer, paint: Paint): Iterable<string> {
  const { name, action, addedAs, reason, notes, unusedKeys } = server;
  const as = addedAs === undefined || addedAs === name ? '' : ` as "${addedAs}"`;
  const why = reason === undefined ? '' : `: ${toSafeLine(reason)}`;
  yield action === 'skip'
    ? paint.dim(`  - ${name} is left out${why}`)
    : `  ${paint.green('+')} ${name}${as}${as === '' ? '' : paint.dim(why)}`;
  for (const note of notes) yield `      ${paint.yellow('!')} ${toSafeLine(note)}`;
  if (action !== 'skip' && unusedKeys.length > 0)
    yield paint.dim(`      not used here: ${unusedKeys.map((key) => `"${toSafeLine(key)}"`).join(', ')}`);
}

function* secretLines({ servers, variables }: ImportReport, { secretsAsReferences, paint }: ImportView): Iterable<string> {
  if (variables.length > 0) {
    yield 'Set these variables where the gateway is started:';
    for (const { name, servers: users } of variables) yield `  ${paint.bold(name)}  ${paint.dim(`for ${users.join(', ')}`)}`;
    yield '';
  }
  const secrets = servers.flatMap((server) =>
    server.action === 'skip' ? [] : server.secrets.map((secret) => ({ ...secret, server: server.addedAs ?? server.name })),
  );
  if (secretsAsReferences || secrets.length === 0) return;
  yield `${paint.yellow('!')} ${countOf(secrets.length, 'secret')} written out in these files would be copied; with --secrets-as-references the values stay out of the configuration:`;
  for (const { server, where, masked } of secrets) yield `  ${server} ${where} ${paint.dim(masked)}`;
  yield '';
}

function titleOf(client: ClientId): string {
  return CLIENTS.find(({ id }) => id === client)!.title;
}

function shortPath(path: string, home: string): string {
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

function quote(path: string): string {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
