import { isDeepStrictEqual } from 'node:util';
import { getNodeValue } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { isObject, toMessage } from '@signalbox/core';
import { diffText } from '../config-file/diff-text.ts';
import { setProperty } from '../config-file/json-edit.ts';
import { parseJsonText } from '../config-file/json-text.ts';
import { type Client, CLIENTS, type SignalboxAddress } from './clients.ts';
import type { ConnectableFile } from './find-servers.ts';
import type { FileChange, PlannedConnection } from './import-plan.ts';
import { maskJsonText } from './secrets.ts';
import { isSignalboxEntry } from './self-entry.ts';

const NAME = 'signalbox';
const MAX_COLUMNS = 200;

/** Plans the entry that makes a client use Signalbox. All else in the client’s file stays as it is, to the byte. */
export function planConnection(file: ConnectableFile, address: SignalboxAddress): { connection: PlannedConnection; change?: FileChange } {
  const client = CLIENTS.find(({ id }) => id === file.client)!;
  const skip = (reason: string) => ({ connection: { client: client.id, file: file.path, action: 'skip', reason, diff: '' } as const });
  const before = file.text ?? '';
  try {
    const obstacle = findObstacle(before, { client, format: file.format, url: address.url });
    if (obstacle !== undefined) return skip(obstacle);
    const isToml = file.format === 'toml';
    const after = isToml
      ? appendToml(before, client, address)
      : setProperty(before, [...client.serversPath, NAME], client.toEntry(address));
    // A TOML entry is appended, so the lines around it say nothing and need no masking.
    const diff = isToml
      ? diffText(before, after, { context: 0, maxColumns: MAX_COLUMNS })
      : diffText(maskJsonText(before), maskJsonText(after), { maxColumns: MAX_COLUMNS });
    return {
      connection: { client: client.id, file: file.path, action: 'add', diff },
      change: { path: file.path, before: file.text, after },
    };
  } catch (error) {
    return skip(`${toMessage(error).split('\n', 1)[0]!}; add the entry by hand`);
  }
}

interface Target {
  readonly client: Client;
  readonly format: 'json' | 'toml';
  readonly url: string;
}

function findObstacle(text: string, { client, format, url }: Target): string | undefined {
  let servers: unknown = parseDocument(text, format);
  for (const key of client.serversPath) servers = isObject(servers) ? servers[key] : undefined;
  if (!isObject(servers)) return undefined;
  const own = Object.entries(servers).find(
    ([, entry]) => isObject(entry) && isSignalboxEntry({ ...entry, url: entry['url'] ?? entry['httpUrl'] ?? entry['serverUrl'] }, url),
  );
  if (own !== undefined) return `it uses Signalbox already, as "${own[0]}"`;
  if (servers[NAME] === undefined) return undefined;
  return `it has an entry "${NAME}" that leads elsewhere; change or remove it first`;
}

function parseDocument(text: string, format: 'json' | 'toml'): unknown {
  if (format === 'toml') return parseToml(text);
  const { root } = parseJsonText(text);
  return root === undefined ? {} : getNodeValue(root);
}

// Writing the document anew would lose its comments; a table at the end changes nothing before it.
function appendToml(before: string, client: Client, address: SignalboxAddress): string {
  const eol = before.includes('\r\n') ? '\r\n' : '\n';
  const gap = before === '' ? '' : before.endsWith('\n') ? eol : eol + eol;
  const after = before + gap + toToml(client, address).replaceAll('\n', eol);
  const { [NAME]: entry, ...others } = serversOf(parseToml(after), client);
  if (entry === undefined || !isDeepStrictEqual(others, { ...serversOf(parseToml(before), client) })) {
    throw new Error(`Cannot append to "${client.serversPath.join('.')}"`);
  }
  return after;
}

function serversOf(document: Record<string, unknown>, client: Client): Record<string, unknown> {
  const servers = document[client.serversPath[0]!];
  return isObject(servers) ? servers : {};
}

/** The entry of a client whose file is TOML, as a table. */
export function toToml(client: Client, address: SignalboxAddress): string {
  const lines = Object.entries(client.toEntry(address)).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`);
  return `[${client.serversPath.join('.')}.${NAME}]\n${lines.join('')}`;
}
