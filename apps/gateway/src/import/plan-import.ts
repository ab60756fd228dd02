import { dirname } from 'node:path';
import { GatewayError, missingSecrets, parseGatewayConfig } from '@signalbox/core';
import { addServer, parseConfigText, serversIn } from '../config-file/config-text.ts';
import { diffText } from '../config-file/diff-text.ts';
import type { SignalboxAddress } from './clients.ts';
import { planConnection } from './connect-client.ts';
import type { FoundServer, FoundServers } from './find-servers.ts';
import type { FileChange, ImportPlan, NeededVariable, PlannedServer } from './import-plan.ts';
import type { ImportedEntry } from './read-entry.ts';
import { createReferences, type References } from './references.ts';
import { isSameServer } from './same-server.ts';
import { maskJsonText } from './secrets.ts';
import { isSignalboxEntry } from './self-entry.ts';

export interface ImportOptions {
  /** How clients reach Signalbox; entries that do are not imported. */
  readonly address: SignalboxAddress;
  /** Write `${env:NAME}` in place of secrets and list the variables to set. Default: the values are copied, and keep working. */
  readonly secretsAsReferences?: boolean;
  /** Also add an entry for Signalbox to each client’s own file. */
  readonly connect?: boolean;
}

interface Progress {
  readonly text: string;
  readonly planned: readonly PlannedServer[];
  /** Where each server of the configuration came from, for telling why another is the same. */
  readonly origins: ReadonlyMap<string, FoundServer>;
}

/**
 * Says what an import would do, and changes nothing.
 * @param currentConfigText Text of the configuration file; undefined when there is none yet.
 * @throws GatewayError `INVALID_CONFIG` when that text has errors.
 */
export function planImport(found: FoundServers, currentConfigText: string | undefined, options: ImportOptions): ImportPlan {
  const before = currentConfigText ?? '';
  refuseBrokenText(before, options.address.configPath);
  const references = createReferences();
  let progress: Progress = { text: before, planned: [], origins: new Map() };
  for (const server of found.servers) progress = planServer(server, progress, { ...options, references });
  const connections = options.connect === true ? found.connectable.map((file) => planConnection(file, options.address)) : [];
  const { configPath } = options.address;
  const own: FileChange[] = progress.text === before ? [] : [{ path: configPath, before: currentConfigText, after: progress.text }];
  return {
    report: {
      configPath,
      diff: diffText(maskJsonText(before), maskJsonText(progress.text)),
      servers: progress.planned,
      connections: connections.map(({ connection }) => connection),
      variables: neededVariables(progress),
      problems: found.files.flatMap(({ client, path, problem }) => (problem === undefined ? [] : [{ client, path, message: problem }])),
    },
    changes: [...own, ...connections.flatMap(({ change }) => change ?? [])],
  };
}

type ServerOptions = ImportOptions & { readonly references: References };

function planServer(server: FoundServer, progress: Progress, options: ServerOptions): Progress {
  const { client, file, scope, name, unusedKeys, notes } = server;
  const base = { client, file, scope, name, secrets: [], unusedKeys, notes };
  const skip = (reason: string): Progress => ({ ...progress, planned: [...progress.planned, { ...base, action: 'skip', reason }] });
  const entry = server.entry && withoutDefaultFolder(server.entry, options.address.configPath);
  if (entry === undefined || server.skipReason !== undefined) return skip(server.skipReason ?? 'it cannot be read');
  if (isSignalboxEntry({ ...entry, name }, options.address.url)) return skip('it is Signalbox itself');
  const servers = serversIn(progress.text);
  const same = Object.keys(servers).find((other) => isSameServer(servers[other]!, entry));
  if (same !== undefined) return skip(sameReason(same, { entry, other: servers[same]!, origin: progress.origins.get(same) }));

  const wanted = toServerName(name);
  const taken = Object.hasOwn(servers, wanted);
  const addedAs = taken ? freeName(`${wanted}-${client}`, servers) : wanted;
  const { entry: referenced, secrets } = options.references.of(addedAs, entry);
  const written = options.secretsAsReferences === true ? referenced : entry;
  const problem = problemOf(addedAs, written);
  if (problem !== undefined) return skip(problem);
  const planned: PlannedServer = {
    ...base,
    action: taken ? 'conflict' : 'add',
    addedAs,
    ...(taken && { reason: `the name "${wanted}" belongs to another server` }),
    ...(!taken && wanted !== name && { reason: `"${name}" is not a name Signalbox takes` }),
    secrets,
  };
  return {
    text: addServer(progress.text, addedAs, { ...written }),
    planned: [...progress.planned, planned],
    origins: new Map([...progress.origins, [addedAs, server]]),
  };
}

function refuseBrokenText(text: string, path: string): void {
  const problem = parseConfigText(text).problems[0];
  if (problem === undefined) return;
  const { line, column, message } = problem;
  throw new GatewayError('INVALID_CONFIG', `Cannot add to "${path}": line ${line}, column ${column}: ${message}`, {
    data: { path, line, column },
  });
}

// A program runs in the folder of the configuration file unless told otherwise.
function withoutDefaultFolder(entry: ImportedEntry, configPath: string): ImportedEntry {
  const { cwd, ...rest } = entry;
  return cwd === dirname(configPath) ? rest : entry;
}

interface Sameness {
  readonly entry: ImportedEntry;
  readonly other: Readonly<Record<string, unknown>>;
  readonly origin: FoundServer | undefined;
}

function sameReason(same: string, { entry, other, origin }: Sameness): string {
  const kept = typeof other['env'] === 'object' && other['env'] !== null ? other['env'] : {};
  const missing = Object.keys(entry.env ?? {}).filter((variable) => !Object.hasOwn(kept, variable));
  const hint = missing.length === 0 ? '' : `; that one has no ${missing.map((variable) => `"${variable}"`).join(', ')} under "env"`;
  return origin === undefined ? `it is there already, as "${same}"${hint}` : `it is the same as "${same}" of ${origin.client}${hint}`;
}

/** A name the configuration accepts: letters, digits, spaces, dots, dashes and underscores, at most 64. */
function toServerName(name: string): string {
  const clean = name
    .replace(/[^A-Za-z0-9 ._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[ -]+$/g, '')
    .slice(0, 48);
  return clean === '' ? 'server' : clean;
}

function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  let candidate = name;
  for (let number = 2; Object.hasOwn(taken, candidate); number++) candidate = `${name}-${number}`;
  return candidate;
}

function problemOf(name: string, entry: ImportedEntry): string | undefined {
  try {
    parseGatewayConfig({ mcpServers: { [name]: entry } });
    return undefined;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'INVALID_CONFIG') return error.message;
    throw error;
  }
}

function neededVariables({ text, planned }: Progress): NeededVariable[] {
  const servers = serversIn(text);
  const found = new Map<string, { servers: Set<string>; because: NeededVariable['because'] }>();
  for (const { addedAs, secrets } of planned) {
    if (addedAs === undefined) continue;
    const { command, args, env, headers, url, cwd } = servers[addedAs] as ImportedEntry;
    const texts = [command, url, cwd, ...(args ?? []), ...Object.values(env ?? {}), ...Object.values(headers ?? {})];
    for (const name of texts.flatMap((text) => (text === undefined ? [] : missingSecrets(text, {})))) {
      const because = secrets.some(({ reference }) => reference === `\${env:${name}}`) ? 'secret' : 'reference';
      const variable = found.get(name) ?? { servers: new Set(), because };
      found.set(name, { ...variable, servers: variable.servers.add(addedAs) });
    }
  }
  return [...found].map(([name, { servers, because }]) => ({ name, servers: [...servers], because }));
}
