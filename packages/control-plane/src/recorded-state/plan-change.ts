import { configProblems, GatewayError, nearestOf, toGatewayError } from '@signalbox/core';
import { parseConfigText } from '../desired-state/config-text.ts';
import { renderProblem, type LocatedProblem } from '../desired-state/config-source.ts';
import type { ConfigDiff } from '../desired-state/diff-config.ts';
import { fileEntries, readState, type OwnedEntry, type ReadState } from './read-state.ts';
import {
  applyOperations,
  entryPath,
  isBootSection,
  isOwnersAlone,
  isSamePath,
  parsePath,
  toText,
  type Path,
  type StateEntry,
  type StateOperation,
} from './state-entry.ts';

/** Who changes something. */
export interface Actor {
  readonly by: string;
  /** Owners alone change who may steer the gateway and what it stands on. */
  readonly isOwner: boolean;
}

/** The configuration file, as whoever may change it sees it. */
export interface ConfigFile {
  /** Absolute. */
  readonly path: string;
  /** @returns its text, or `undefined` when there is none. */
  read(): Promise<string | undefined>;
  /** A text with operations done in it; comments and order stay. */
  edit(text: string, operations: readonly StateOperation[]): string;
  /**
   * Replaces the file and keeps a copy of it as it was.
   * @returns the path of that copy, if there was a file.
   * @throws GatewayError `CONFLICT` when its text is not the expected one any more.
   */
  write(text: string, options: { readonly expected: string | undefined }): Promise<string | undefined>;
  /** The difference of two texts for people, secrets masked. */
  diff(before: string, after: string): string;
}

/** An operation as it is asked for: its path as text, or as steps where names hold dots. */
export type RequestedOperation =
  | { readonly op: 'set'; readonly path: string | Path; readonly value?: unknown }
  | { readonly op: 'remove'; readonly path: string | Path };

/** What the state would be after a change. */
export interface Plan {
  /** On what the API owns. */
  readonly operations: readonly StateOperation[];
  readonly entries: readonly StateEntry[];
  /** Of the file, after the change. */
  readonly text: string;
  readonly paths: readonly Path[];
  /** `undefined` when it is invalid. */
  readonly read: ReadState | undefined;
  readonly problems: readonly LocatedProblem[];
}

/** What a change starts from. */
export interface Ground {
  readonly entries: readonly StateEntry[];
  readonly text: string;
  readonly file: Pick<ConfigFile, 'path' | 'edit'>;
}

/** Says what operations on what the API owns would make. @throws GatewayError `CONFLICT` where the file owns it. */
export function planApiChange(requested: readonly RequestedOperation[], ground: Ground): Plan {
  const { entries, text, file } = ground;
  const ofFile = fileEntries(parseConfigText(text));
  const known = [...entries, ...ofFile].map(({ path }) => path);
  const operations = requested.map((operation) => toOperation(operation, known));
  for (const { path } of operations) refuseFilesOwn(entryPath(path), ofFile, file.path);
  for (const operation of operations) if (operation.op === 'remove') refuseUnknown(operation.path, entries, 'the API');
  const after = applyOperations(entries, operations);
  return finish({ operations, entries: after, text, paths: operations.map(({ path }) => path) }, ground);
}

/** Says what operations on the file would make. */
export function planFileChange(requested: readonly RequestedOperation[], ground: Ground): Plan {
  const { entries, text, file } = ground;
  const ofFile = fileEntries(parseConfigText(text));
  const operations = requested.map((operation) =>
    toOperation(
      operation,
      [...ofFile, ...entries].map(({ path }) => path),
    ),
  );
  for (const operation of operations) {
    entryPath(operation.path);
    if (operation.op === 'remove') refuseUnknown(operation.path, ofFile, `the file "${file.path}"`);
  }
  return finish({ operations: [], entries, text: file.edit(text, operations), paths: operations.map(({ path }) => path) }, ground);
}

/** Says what other entries and another text would make. */
export function planWhole(next: Pick<Plan, 'entries' | 'text' | 'operations'>, ground: Ground): Plan {
  return finish({ ...next, paths: next.operations.map(({ path }) => path) }, ground);
}

function finish(next: Omit<Plan, 'read' | 'problems'>, { entries, text, file }: Ground): Plan {
  try {
    const read = readState(next.text, file.path, next.entries);
    // What did not go together before this change is not its fault.
    const before = new Set(unfitBefore(text, file.path, entries));
    const problems = read.unfit.filter((problem) => !before.has(JSON.stringify(problem)));
    return { ...next, read: problems.length === 0 ? read : undefined, problems };
  } catch (cause) {
    const error = toGatewayError(cause);
    if (error.code !== 'INVALID_CONFIG') throw error;
    return { ...next, read: undefined, problems: configProblems(error) };
  }
}

function unfitBefore(text: string, path: string, entries: readonly StateEntry[]): string[] {
  try {
    return readState(text, path, entries).unfit.map((problem) => JSON.stringify(problem));
  } catch {
    return [];
  }
}

function toOperation(operation: RequestedOperation, known: readonly Path[]): StateOperation {
  const path = typeof operation.path === 'string' ? parsePath(operation.path, known) : operation.path;
  if (operation.op === 'remove') return { op: 'remove', path };
  if (operation.value === undefined) throw new GatewayError('INVALID_PARAMS', `Cannot set "${toText(path)}": "value" is missing`);
  return { op: 'set', path, value: operation.value };
}

function refuseFilesOwn(path: Path, ofFile: readonly OwnedEntry[], file: string): void {
  const found = ofFile.find((entry) => isSamePath(entry.path, path));
  const text = toText(path);
  if (found === undefined && !isBootSection(path[0]!)) return;
  const line = found?.place === undefined ? '' : `, line ${found.place.line}`;
  const why = found === undefined ? `is read at start and belongs to the file "${file}"` : `is owned by the file "${file}"${line}`;
  throw new GatewayError('CONFLICT', `Cannot change "${text}" through the API: it ${why}; change it there, or send "target": "file"`, {
    data: { path: text, owner: 'file', file, ...found?.place },
  });
}

function refuseUnknown(path: Path, entries: readonly { readonly path: Path }[], where: string): void {
  const wanted = entryPath(path);
  if (entries.some((entry) => isSamePath(entry.path, wanted))) return;
  const names = entries.map((entry) => toText(entry.path));
  const nearest = nearestOf(toText(wanted), names);
  const hint =
    nearest === undefined
      ? names.length === 0
        ? 'it has nothing'
        : `it has ${names.map((name) => `"${name}"`).join(', ')}`
      : `did you mean "${nearest}"?`;
  throw new GatewayError('UNKNOWN_NAME', `Cannot remove "${toText(wanted)}": ${where} has none of that name; ${hint}`, {
    data: { path: toText(wanted), ...(nearest !== undefined && { nearest }) },
  });
}

/** @throws GatewayError `FORBIDDEN` for changes that owners alone may make. */
export function refuseOwnersAlone({ paths }: Plan, { settings }: ConfigDiff, { by, isOwner }: Actor): void {
  if (isOwner) return;
  const touched = [...paths.map(toText), ...settings.map(({ path }) => path)];
  const found = touched.find((path) => isOwnersAlone(path.split('.')));
  if (found === undefined) return;
  throw new GatewayError('FORBIDDEN', `Cannot change "${found}" as "${by}": that takes the role "owner"`, { data: { path: found } });
}

/** The error of a change that is no valid configuration. */
export function invalidChange(file: string, problems: readonly LocatedProblem[]): GatewayError {
  const [first] = problems;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  const what = first === undefined ? 'it is invalid' : renderProblem(first);
  return new GatewayError('INVALID_CONFIG', `Cannot make this change: ${what}${more}`, { data: { file, problems } });
}
