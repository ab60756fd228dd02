import { isAbsolute, resolve } from 'node:path';
import { isObject } from '@signalbox/core';
import { type PlaceholderContext, translatePlaceholders } from './placeholders.ts';

/** A client’s entry in the form of Signalbox. */
export interface ImportedEntry {
  /** Written only where the address alone does not say it. */
  readonly type?: 'sse';
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly inheritEnv?: readonly string[];
  readonly cwd?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly disabled?: true;
  readonly tools?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
  readonly timeouts?: { readonly handshakeMs?: number; readonly callMs?: number };
}

export interface EntryReading {
  /** Absent when the entry is of a kind Signalbox cannot serve. */
  readonly entry?: ImportedEntry;
  /** Why it is not imported. */
  readonly skipReason?: string;
  /** Keys of the client’s entry that Signalbox has no use for. */
  readonly unusedKeys: readonly string[];
}

type Take = (key: string) => unknown;

const ADDRESS_TYPES = new Set(['http', 'sse', 'streamable-http', 'streamableHttp', 'streamable_http', 'websocket', 'ws']);

/** Turns an entry of any client into one of Signalbox. What differs between the two goes to `context.note`. */
export function readEntry(raw: unknown, context: PlaceholderContext & { readonly isOff: boolean }): EntryReading {
  if (!isObject(raw)) return { skipReason: 'its entry is not an object', unusedKeys: [] };
  const unused = new Set(Object.keys(raw));
  const take: Take = (key) => {
    unused.delete(key);
    return raw[key];
  };
  const type = take('type') ?? take('transport');
  const reading =
    typeof type === 'string' && type !== 'stdio' && !ADDRESS_TYPES.has(type)
      ? `it is of type "${type}"`
      : readKind(raw, take, { type, context });
  if (typeof reading === 'string') return { skipReason: reading, unusedKeys: [...unused] };
  const entry = { ...reading, ...readSwitch(take, context.isOff), ...readTools(take), ...readTimeouts(take) };
  if (unused.has('envFile')) context.note('"envFile" is not read: set its variables where Signalbox runs, or under "env"');
  return { entry, unusedKeys: [...unused] };
}

function readKind(
  raw: Readonly<Record<string, unknown>>,
  take: Take,
  { type, context }: { type: unknown; context: PlaceholderContext },
): ImportedEntry | string {
  const isStarted = raw['command'] !== undefined && raw['httpUrl'] === undefined && !(typeof type === 'string' && ADDRESS_TYPES.has(type));
  return isStarted ? readCommand(take, context) : readAddress(raw, take, { type, context });
}

function readCommand(take: Take, context: PlaceholderContext): ImportedEntry | string {
  const translate = (text: string) => translatePlaceholders(text, context);
  const given = take('command');
  // Zed once wrote { "command": { "path", "args", "env" } }.
  const nested = isObject(given) ? given : undefined;
  const command = nested === undefined ? given : nested['path'];
  if (typeof command !== 'string' || command === '') return 'its "command" is not text';
  const args = take('args') ?? nested?.['args'] ?? [];
  if (!Array.isArray(args) || args.some((arg) => typeof arg === 'object')) return 'its "args" is not a list of text';
  const env = readTexts(take('env') ?? nested?.['env'], translate);
  const inheritEnv = readNames(take('env_vars'));
  const cwd = readFolder(take('cwd'), context);
  return {
    command: translate(command),
    ...(args.length > 0 && { args: args.map((arg) => translate(String(arg))) }),
    ...(env !== undefined && { env }),
    ...(inheritEnv.length > 0 && { inheritEnv }),
    ...(cwd !== undefined && { cwd }),
  };
}

function readAddress(
  raw: Readonly<Record<string, unknown>>,
  take: Take,
  { type, context }: { type: unknown; context: PlaceholderContext },
): ImportedEntry | string {
  const key = ['httpUrl', 'serverUrl', 'url'].find((key) => typeof raw[key] === 'string');
  if (key === undefined) return 'it has neither a "command" nor a "url"';
  const translate = (text: string) => translatePlaceholders(text, context);
  const isSse = type === 'sse' || (type === undefined && key === 'url' && context.dialect === 'gemini');
  const fromVariables = Object.entries(readTexts(take('env_http_headers'), (text) => text) ?? {}).map(([header, name]) => [
    header,
    `\${env:${name}}`,
  ]);
  const tokenVariable = take('bearer_token_env_var');
  const token = typeof tokenVariable === 'string' ? `\${env:${tokenVariable}}` : take('bearer_token');
  const headers: Record<string, string> = {
    ...readTexts(take('headers'), translate),
    ...readTexts(take('http_headers'), translate),
    ...Object.fromEntries(fromVariables),
    ...(typeof token === 'string' && { Authorization: `Bearer ${token}` }),
  };
  return { ...(isSse && { type: 'sse' as const }), url: translate(String(take(key))), ...(Object.keys(headers).length > 0 && { headers }) };
}

function readFolder(given: unknown, { folder, note, ...context }: PlaceholderContext): string | undefined {
  if (typeof given !== 'string' || given === '') return folder;
  const cwd = translatePlaceholders(given, { folder, note, ...context });
  if (isAbsolute(cwd) || cwd.startsWith('${')) return cwd;
  if (folder !== undefined) return resolve(folder, cwd);
  note(`its folder "${given}" is relative to wherever ${context.clientTitle} is started; set "cwd" by hand`);
  return undefined;
}

function readSwitch(take: Take, isOff: boolean): Pick<ImportedEntry, 'disabled'> {
  const [disabled, enabled] = [take('disabled'), take('enabled')];
  return disabled === true || enabled === false || isOff ? { disabled: true } : {};
}

// A tool the user has switched off must not come back by way of the import.
function readTools(take: Take): Pick<ImportedEntry, 'tools'> {
  const allowLists = [take('includeTools'), take('enabled_tools')].filter(Array.isArray);
  const deny = ['excludeTools', 'disabledTools', 'disabled_tools'].flatMap((key) => readNames(take(key)));
  if (allowLists.length === 0 && deny.length === 0) return {};
  return { tools: { ...(allowLists.length > 0 && { allow: allowLists.flatMap(readNames) }), ...(deny.length > 0 && { deny }) } };
}

function readTimeouts(take: Take): Pick<ImportedEntry, 'timeouts'> {
  const callMs = milliseconds(take('timeout'), 1) ?? milliseconds(take('tool_timeout_sec'), 1000);
  const handshakeMs = milliseconds(take('startup_timeout_sec'), 1000) ?? milliseconds(take('startup_timeout_ms'), 1);
  if (callMs === undefined && handshakeMs === undefined) return {};
  return { timeouts: { ...(handshakeMs !== undefined && { handshakeMs }), ...(callMs !== undefined && { callMs }) } };
}

function milliseconds(value: unknown, factor: number): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  const ms = Math.round(Number(value) * factor);
  return ms >= 1 ? Math.min(ms, 86_400_000) : undefined;
}

function readNames(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.map((item: unknown) => (isObject(item) ? item['name'] : item)).filter((item) => typeof item === 'string');
}

function readTexts(value: unknown, translate: (text: string) => string): Record<string, string> | undefined {
  if (!isObject(value)) return undefined;
  const texts = Object.entries(value).flatMap(([key, item]) =>
    item === null || typeof item === 'object' ? [] : [[key, translate(String(item))]],
  );
  return texts.length === 0 ? undefined : Object.fromEntries(texts);
}
