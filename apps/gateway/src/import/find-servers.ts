import { readFile, stat } from 'node:fs/promises';
import { getNodeValue } from 'jsonc-parser';
import { parse as parseToml, TomlError } from 'smol-toml';
import { isObject, toMessage } from '@signalbox/core';
import { parseJsonText } from '../config-file/json-text.ts';
import { isMissing } from '../config-file/read-config-file.ts';
import { type Client, type ClientFile, type ClientId, CLIENTS, type Section, type Surroundings } from './clients.ts';
import { type EntryReading, readEntry } from './read-entry.ts';

/** A server as a client’s file has it. The entry holds secrets as they are: not to be shown. */
export interface FoundServer extends EntryReading {
  readonly client: ClientId;
  readonly file: string;
  readonly scope: 'user' | 'project';
  readonly name: string;
  readonly notes: readonly string[];
}

export interface FoundFile {
  readonly client: ClientId;
  readonly path: string;
  readonly servers: number;
  /** Why the file could not be read. */
  readonly problem?: string;
}

/** The file of a client in which an entry for Signalbox belongs. */
export interface ConnectableFile {
  readonly client: ClientId;
  readonly path: string;
  readonly format: 'json' | 'toml';
  /** Undefined when the client has other files, but not this one. */
  readonly text: string | undefined;
}

export interface FoundServers {
  readonly files: readonly FoundFile[];
  readonly servers: readonly FoundServer[];
  readonly connectable: readonly ConnectableFile[];
}

/**
 * Reads the configurations of all clients on this machine; nothing is changed. A file that cannot be read is reported, and the others are read.
 * @param options.clients Only these. Default: all.
 */
export async function findServers(
  surroundings: Surroundings,
  options: { readonly clients?: readonly ClientId[] } = {},
): Promise<FoundServers> {
  const clients = CLIENTS.filter(({ id }) => options.clients?.includes(id) ?? true);
  const found = await Promise.all(clients.map((client) => readClient(client, surroundings)));
  return {
    files: found.flatMap(({ files }) => files),
    servers: found.flatMap(({ servers }) => servers),
    connectable: found.flatMap(({ connectable }) => connectable),
  };
}

async function readClient(client: Client, surroundings: Surroundings): Promise<FoundServers> {
  const files: FoundFile[] = [];
  const servers: FoundServer[] = [];
  const mains: ConnectableFile[] = [];
  const paths = new Set<string>();
  for (const file of client.files(surroundings)) {
    // In the home folder the file of the project is that of the user.
    if (paths.has(file.path)) continue;
    paths.add(file.path);
    const { path, format } = file;
    const { text, problem } = await readText(path);
    if (file.isMain === true && problem === undefined) mains.push({ client: client.id, path, format, text });
    if (problem !== undefined) files.push({ client: client.id, path, servers: 0, problem });
    if (text === undefined) continue;
    const result = await readFileServers(text, { client, file, home: surroundings.home });
    servers.push(...result.servers);
    files.push({
      client: client.id,
      path,
      servers: result.servers.length,
      ...(result.problem !== undefined && { problem: result.problem }),
    });
  }
  const main = mains.find(({ text }) => text !== undefined) ?? mains[0];
  return { files, servers, connectable: files.length > 0 && main !== undefined ? [main] : [] };
}

async function readText(path: string): Promise<{ text?: string; problem?: string }> {
  try {
    return { text: await readFile(path, 'utf8') };
  } catch (error) {
    return isMissing(error) ? {} : { problem: toMessage(error) };
  }
}

interface FileSource {
  readonly client: Client;
  readonly file: ClientFile;
  readonly home: string;
}

async function readFileServers(text: string, source: FileSource): Promise<{ servers: FoundServer[]; problem?: string }> {
  const document = parseDocument(text, source.file.format);
  if (typeof document === 'string') return { servers: [], problem: document };
  const servers: FoundServer[] = [];
  for (const section of source.file.sections(document)) {
    const isGone = section.folder !== undefined && !(await isFolder(section.folder));
    for (const [name, raw] of Object.entries(section.servers)) {
      const server = toFoundServer(name, raw, { ...source, section });
      servers.push(isGone ? { ...server, skipReason: `the folder of its project, "${section.folder}", is gone` } : server);
    }
  }
  return { servers };
}

/** The document of a client’s file, or what is wrong with it. */
function parseDocument(text: string, format: 'json' | 'toml'): Record<string, unknown> | string {
  try {
    if (format === 'toml') return parseToml(text);
    const { root, syntaxErrors } = parseJsonText(text);
    const fault = syntaxErrors[0];
    if (fault !== undefined) return `line ${fault.line}, column ${fault.column}: ${fault.message}`;
    const document: unknown = root === undefined ? {} : getNodeValue(root);
    return isObject(document) ? document : 'it holds no object';
  } catch (error) {
    // The full message of a TOML error quotes the file, which may hold secrets.
    if (error instanceof TomlError) return `line ${error.line}, column ${error.column}: ${error.message.split('\n', 1)[0]!}`;
    return toMessage(error);
  }
}

function toFoundServer(name: string, raw: unknown, { client, file, home, section }: FileSource & { section: Section }): FoundServer {
  const notes = new Set<string>();
  const folder = section.folder ?? file.folder;
  const reading = readEntry(raw, {
    dialect: client.dialect,
    clientTitle: client.title,
    home,
    folder,
    inputs: defaultsOf(section.inputs),
    note: (text) => notes.add(text),
    isOff: section.isOff?.(name) ?? false,
  });
  const scope = folder === undefined ? 'user' : 'project';
  return { client: client.id, file: file.path, scope, name, ...reading, notes: [...notes] };
}

function defaultsOf(inputs: unknown): Map<string, string | undefined> {
  const list: unknown[] = Array.isArray(inputs) ? inputs : [];
  return new Map(
    list.filter(isObject).map((input) => [String(input['id']), typeof input['default'] === 'string' ? input['default'] : undefined]),
  );
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
