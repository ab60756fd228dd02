import { GatewayError, isObject } from '@signalbox/core';
import { BOOT_SECTIONS } from '../desired-state/diff-config.ts';

/** Steps from the whole configuration down to a setting. */
export type Path = readonly string[];

/** One thing with one owner: an upstream, a virtual server, or a setting at the top. */
export interface StateEntry {
  /** `['mcpServers', name]`, `['virtualServers', name]` or `[setting]`. */
  readonly path: Path;
  /** As it would be written in the file, defaults left out. */
  readonly value: unknown;
}

export interface SetOperation {
  readonly op: 'set';
  readonly path: Path;
  readonly value: unknown;
}
export interface RemoveOperation {
  readonly op: 'remove';
  readonly path: Path;
}
export type StateOperation = SetOperation | RemoveOperation;

const NAMED_SECTIONS: readonly string[] = ['mcpServers', 'virtualServers'];
/** Settings at the top that may also be owned by the API. */
const LIVE_SETTINGS: readonly string[] = ['surface', 'instructions', 'results', 'admin'];

/** Whether only an owner may change what is at a path: who may steer the gateway, and what it stands on. */
export function isOwnersAlone([section = '']: Path): boolean {
  return section === 'admin' || isBootSection(section);
}

/** The path as people write it. */
export function toText(path: Path): string {
  return path.join('.');
}

/**
 * Reads a path as people write it, `mcpServers.github.disabled`. Names may hold dots: the longest known name that fits is
 * meant, and where none fits all that follows the section is the name.
 */
export function parsePath(text: string, known: Iterable<Path>): Path {
  const [section = '', ...rest] = text.split('.');
  if (!NAMED_SECTIONS.includes(section) || rest.length === 0) return [section, ...rest];
  const tail = rest.join('.');
  const names = [...known].filter((path) => path[0] === section).map((path) => path[1]!);
  const name = names
    .filter((each) => tail === each || tail.startsWith(`${each}.`))
    .toSorted((left, right) => right.length - left.length)[0];
  if (name === undefined) return [section, tail];
  return [section, name, ...(tail === name ? [] : tail.slice(name.length + 1).split('.'))];
}

/** The path of the entry that a path leads to or into. @throws GatewayError `INVALID_PARAMS` when it leads to none. */
export function entryPath(path: Path): Path {
  const [section = '', name = ''] = path;
  if (path.some((step) => step === '')) throw invalidPath(path, 'no step of it may be empty');
  if (NAMED_SECTIONS.includes(section)) {
    if (path.length < 2) throw invalidPath(path, `name one of "${section}" in it, as in "${section}.<name>"`);
    return [section, name];
  }
  if (isBootSection(section) || LIVE_SETTINGS.includes(section)) return [section];
  throw invalidPath(
    path,
    `it must begin with ${[...NAMED_SECTIONS, ...LIVE_SETTINGS, ...BOOT_SECTIONS].map((each) => `"${each}"`).join(', ')}`,
  );
}

export function isBootSection(section: string): boolean {
  return (BOOT_SECTIONS as readonly string[]).includes(section);
}

export function isSamePath(left: Path, right: Path): boolean {
  return left.length === right.length && left.every((step, index) => step === right[index]);
}

/** The entries after operations on them: what is there keeps its place, what is new comes last. */
export function applyOperations(entries: readonly StateEntry[], operations: readonly StateOperation[]): readonly StateEntry[] {
  return operations.reduce(applyOperation, entries);
}

function applyOperation(entries: readonly StateEntry[], operation: StateOperation): readonly StateEntry[] {
  const path = entryPath(operation.path);
  const within = operation.path.slice(path.length);
  const old = entries.find((entry) => isSamePath(entry.path, path));
  if (operation.op === 'remove' && old === undefined) return entries;
  if (operation.op === 'remove' && within.length === 0) return entries.filter((entry) => entry !== old);
  const value = operation.op === 'set' ? setWithin(old?.value, within, operation) : removeWithin(old?.value, within);
  const entry: StateEntry = { path, value };
  return old === undefined ? [...entries, entry] : entries.map((each) => (each === old ? entry : each));
}

function setWithin(value: unknown, [step, ...rest]: Path, operation: SetOperation): unknown {
  if (step === undefined) return operation.value;
  const members = toMembers(value, operation.path);
  return withMember(members, step, setWithin(memberOf(members, step), rest, operation));
}

function removeWithin(value: unknown, [step, ...rest]: Path): unknown {
  if (!isObject(value) || step === undefined || !Object.hasOwn(value, step)) return value;
  if (rest.length > 0) return withMember(value, step, removeWithin(value[step], rest));
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== step));
}

function toMembers(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  if (value === undefined || isObject(value)) return value ?? {};
  throw invalidPath(path, 'something on its way holds no members');
}

function memberOf(members: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(members, key) ? members[key] : undefined;
}

// `fromEntries` defines each key, `__proto__` too, where an assignment would change the object's nature.
function withMember(members: Readonly<Record<string, unknown>>, key: string, value: unknown): Record<string, unknown> {
  const others = Object.entries(members).filter(([name]) => name !== key);
  return Object.fromEntries([...others, [key, value]]);
}

function invalidPath(path: Path, why: string): GatewayError {
  return new GatewayError('INVALID_PARAMS', `Cannot change "${toText(path)}": ${why}`, { data: { path: toText(path) } });
}

/** Operations that make one list of entries of another, order included. */
export function operationsBetween(
  before: readonly StateEntry[],
  after: readonly StateEntry[],
  isSame: (left: unknown, right: unknown) => boolean,
): StateOperation[] {
  const operations: StateOperation[] = [];
  let kept = 0;
  // What stands in the same place needs a new value at most; from the first other name on, all is built again.
  while (kept < before.length && kept < after.length && isSamePath(before[kept]!.path, after[kept]!.path)) kept++;
  for (const [index, { path, value }] of after.slice(0, kept).entries())
    if (!isSame(before[index]!.value, value)) operations.push({ op: 'set', path, value });
  for (const { path } of before.slice(kept)) operations.push({ op: 'remove', path });
  for (const { path, value } of after.slice(kept)) operations.push({ op: 'set', path, value });
  return operations;
}
