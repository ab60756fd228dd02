import { fileURLToPath } from 'node:url';
import { hashOf, loadConfig, type ChangeBody, type RequestedOperation } from '@signalbox/control-plane';
import { nearestOf } from '@signalbox/core';
import { serversIn } from '../config-file/config-text.ts';
import { readConfigFile } from '../config-file/read-config-file.ts';
import { applyImport, type WrittenFile } from '../import/apply-import.ts';
import { CLIENTS, type ClientId, type SignalboxAddress } from '../import/clients.ts';
import { findServers, type FoundServers } from '../import/find-servers.ts';
import type { FileChange, ImportPlan } from '../import/import-plan.ts';
import { planImport } from '../import/plan-import.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { nothingFound, usageError } from './failures.ts';
import { renderImport, renderWritten } from './import-report.ts';
import { locateConfigToWrite, locateData } from './locations.ts';
import { openAdmin } from './open-admin.ts';
import { pathExists } from './path-exists.ts';
import { findRunning } from './running-gateway.ts';

export interface ImportCommandOptions {
  readonly clients: readonly string[];
  readonly connect?: boolean;
  readonly secretsAsReferences?: boolean;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Takes the servers of MCP clients over into the configuration: shows everything first, asks, keeps copies. */
export async function importServers(context: CommandContext, options: ImportCommandOptions): Promise<ExitCode> {
  const { terminal } = context;
  const clients = options.clients.map(toClientId);
  const { yes = false, dryRun = false } = options;
  if (!yes && !dryRun && !(terminal.isInteractive && !terminal.isJson)) {
    throw usageError('Cannot ask before writing: this is no terminal', 'Add --dry-run to see the changes, or --yes to write them');
  }
  const configPath = await locateConfigToWrite(context);
  const found = await findServers(context, clients.length === 0 ? {} : { clients });
  if (found.files.length === 0)
    throw nothingFound(
      `Cannot find a configuration of ${describeClients(clients)}`,
      'Add servers one by one with "signalbox add <name> -- <command>"',
    );

  const text = (await pathExists(configPath)) ? (await readConfigFile(configPath)).text : undefined;
  const address = await addressOf(context, configPath, text);
  const { connect = false, secretsAsReferences = false } = options;
  const plan = planImport(found, text, { address, connect, secretsAsReferences });
  if (!terminal.isJson)
    for (const line of renderImport(plan.report, {
      found: found.files,
      connect,
      secretsAsReferences,
      paint: terminal.paint,
      home: context.home,
    }))
      terminal.line(line);

  const isWanted = plan.changes.length > 0 && !dryRun && (yes || (await terminal.confirm('Write these changes?')));
  const written = isWanted ? await applyImport(plan, { writeOwn: (change) => writeOwn(context, plan, change) }) : [];
  if (terminal.isJson) terminal.answer({ ...plan.report, files: found.files, written }, () => []);
  else for (const line of outcomeLines(plan.changes.length, { written, dryRun, found, context })) terminal.line(line);
  return EXIT.ok;
}

// Our own file is changed as every other change is made, so that it is in the history and a running gateway has it at once.
async function writeOwn(context: CommandContext, { report }: ImportPlan, { path, before, after }: FileChange): Promise<string | undefined> {
  const servers = serversIn(after);
  const operations = report.servers.flatMap(({ addedAs }): RequestedOperation[] =>
    addedAs === undefined ? [] : [{ op: 'set', path: ['mcpServers', addedAs], value: servers[addedAs] }],
  );
  await using admin = await openAdmin(context, path);
  const { file } = await admin.post<ChangeBody>('/changes', { operations, target: 'file', reason: 'import', ifFile: hashOf(before ?? '') });
  return file?.backup;
}

/** How clients reach the gateway of a configuration: where it listens now, otherwise where it would. */
export async function addressOf(context: CommandContext, configPath: string, text: string | undefined): Promise<SignalboxAddress> {
  const running = await findRunning(await locateData(context, configPath));
  const { listen } = text === undefined ? { listen: { host: '127.0.0.1', port: 7420 } } : await loadConfig(configPath);
  const url = running?.runtime.url ?? `http://${listen.host}:${listen.port}/mcp`;
  return toAddress(url, configPath);
}

/** The address of a gateway together with how this very program is started. */
export function toAddress(url: string, configPath: string): SignalboxAddress {
  return { url, configPath, binPath: fileURLToPath(new URL('../../bin/signalbox.js', import.meta.url)), nodePath: process.execPath };
}

function toClientId(text: string): ClientId {
  const ids = CLIENTS.map(({ id }) => id);
  const found = ids.find((id) => id === text);
  if (found !== undefined) return found;
  const nearest = nearestOf(text, ids);
  throw usageError(
    `There is no client "${text}"`,
    nearest === undefined ? `Clients are ${ids.join(', ')}` : `Did you mean "${nearest}"? Clients are ${ids.join(', ')}`,
  );
}

function describeClients(clients: readonly ClientId[]): string {
  const titles = CLIENTS.filter(({ id }) => clients.length === 0 || clients.includes(id)).map(({ title }) => title);
  return titles.length === 1 ? titles[0]! : `${titles.slice(0, -1).join(', ')} or ${titles.at(-1)!}`;
}

interface Result {
  readonly written: readonly WrittenFile[];
  readonly dryRun: boolean;
  readonly found: FoundServers;
  readonly context: CommandContext;
}

function outcomeLines(changes: number, { written, dryRun, context }: Result): string[] {
  const { paint } = context.terminal;
  if (changes === 0) return [`${paint.green('✓')} There is nothing to write`];
  if (written.length > 0) return renderWritten(written, paint);
  return [dryRun ? 'Nothing is written. Without --dry-run these changes are' : 'Nothing is written'];
}
