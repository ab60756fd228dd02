import { getNodeValue, type Node } from 'jsonc-parser';
import type { StateOperation } from '@signalbox/control-plane';
import { type ConfigProblem, GatewayError, isObject, nearestOf } from '@signalbox/core';
import { removeProperty, setProperty } from './json-edit.ts';
import { memberOf, parseJsonText, positionAt, type TextProblem } from './json-text.ts';

/** A server as it stands in a configuration file, before defaults. */
export type ServerEntry = Readonly<Record<string, unknown>>;

/** The text of a configuration file as data, and what is wrong with the text. With problems the data is what could still be read. */
export interface ParsedText {
  readonly value: unknown;
  readonly problems: readonly TextProblem[];
}

/** Reads JSON with comments and trailing commas. An empty text is an empty configuration. */
export function parseConfigText(text: string): ParsedText {
  const { root, syntaxErrors, repeatedKeys } = parseJsonText(text);
  return { value: root === undefined ? {} : getNodeValue(root), problems: [...syntaxErrors, ...repeatedKeys] };
}

/** The servers of a configuration text by name, as they are written. */
export function serversIn(text: string): Readonly<Record<string, ServerEntry>> {
  const { value } = parseConfigText(text);
  const servers = isObject(value) ? value[serversKey(value)] : undefined;
  if (!isObject(servers)) return {};
  return Object.fromEntries(Object.entries(servers).filter((entry): entry is [string, ServerEntry] => isObject(entry[1])));
}

/**
 * Adds a server to a configuration text, after the others; nothing else changes.
 * @throws GatewayError `CONFLICT` when the name is taken and `replace` is not set, `INVALID_CONFIG` when the text cannot be edited.
 */
export function addServer(text: string, name: string, entry: ServerEntry, options: { readonly replace?: boolean } = {}): string {
  if (Object.hasOwn(serversIn(text), name) && options.replace !== true) {
    throw new GatewayError(
      'CONFLICT',
      `Cannot add server "${name}": the configuration has one of that name; remove it first or take another name`,
    );
  }
  return setProperty(text, [serversKey(parseConfigText(text).value), name], entry);
}

/**
 * Takes a server out of a configuration text; nothing else changes.
 * @throws GatewayError `UNKNOWN_NAME` when there is none of that name.
 */
export function removeServer(text: string, name: string): string {
  const names = Object.keys(serversIn(text));
  if (!names.includes(name)) {
    const nearest = nearestOf(name, names);
    const known = names.length === 0 ? 'it has none' : `it has ${names.map((known) => `"${known}"`).join(', ')}`;
    const hint = nearest === undefined ? known : `did you mean "${nearest}"?`;
    throw new GatewayError('UNKNOWN_NAME', `Cannot remove server "${name}": the configuration has none of that name; ${hint}`);
  }
  return removeProperty(text, [serversKey(parseConfigText(text).value), name]);
}

/**
 * Sets and removes settings of a configuration text; nothing else changes.
 * @throws GatewayError `INVALID_CONFIG` when the text cannot be edited.
 */
export function editConfigText(text: string, operations: readonly StateOperation[]): string {
  return operations.reduce((edited, operation) => {
    const [section = '', ...rest] = operation.path;
    const path = [section === 'mcpServers' ? serversKey(parseConfigText(edited).value) : section, ...rest];
    return operation.op === 'set' ? setProperty(edited, path, operation.value) : removeProperty(edited, path);
  }, text);
}

/** Adds line and column to the problems a configuration has by its schema; where a key is missing, those of the object lacking it. */
export function locateProblems(text: string, problems: readonly ConfigProblem[]): TextProblem[] {
  const { root } = parseJsonText(text);
  return problems.map(({ path, message }) => ({ ...positionAt(text, root === undefined ? 0 : offsetOf(root, path)), path, message }));
}

function offsetOf(root: Node, path: string): number {
  let node = root;
  let offset = root.offset;
  let rest = path;
  while (rest !== '') {
    const step = node.type === 'array' ? itemAt(node, rest) : longestMember(node, rest);
    if (step === undefined) break;
    offset = step.offset;
    node = step.value;
    rest = rest.slice(step.length + 1);
  }
  return offset;
}

interface Step {
  readonly offset: number;
  readonly value: Node;
  readonly length: number;
}

// Names may hold dots, so the longest key that begins the path is the one meant.
function longestMember(node: Node, path: string): Step | undefined {
  let best: Step | undefined;
  for (const member of node.children ?? []) {
    const [key, value] = member.children ?? [];
    const name = String(key?.value);
    if (value === undefined || name.length <= (best?.length ?? 0)) continue;
    if (path === name || path.startsWith(`${name}.`)) best = { offset: member.offset, value, length: name.length };
  }
  // A problem of the core speaks of `mcpServers` also where the file says `servers`.
  const servers = best === undefined && /^mcpServers(\.|$)/.test(path) ? memberOf(node, 'servers') : undefined;
  const value = servers?.children?.[1];
  return servers === undefined || value === undefined ? best : { offset: servers.offset, value, length: 'mcpServers'.length };
}

function itemAt(node: Node, path: string): Step | undefined {
  const index = path.split('.', 1)[0]!;
  const value = node.children?.[Number(index)];
  return value === undefined ? undefined : { offset: value.offset, value, length: index.length };
}

function serversKey(value: unknown): string {
  return isObject(value) && value['mcpServers'] === undefined && isObject(value['servers']) ? 'servers' : 'mcpServers';
}
