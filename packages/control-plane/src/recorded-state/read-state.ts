import { configProblems, isObject, toGatewayError, type ConfigProblem, type GatewayConfig } from '@signalbox/core';
import { parseConfigText, type ConfigText, type Position } from '../desired-state/config-text.ts';
import { parseConfigValue, readConfig, renderProblem, type LocatedProblem } from '../desired-state/config-source.ts';
import { isSamePath, toText, type Path, type StateEntry } from './state-entry.ts';

/** One entry of the state with its owner. */
export interface OwnedEntry {
  readonly path: Path;
  readonly owner: 'file' | 'api';
  /** Where it stands in the file. */
  readonly place: Position | undefined;
  /**
   * `applied`; `shadowed` while the file defines the same and the file's applies; `unfit` while it does not go together
   * with what the file says.
   */
  readonly state: 'applied' | 'shadowed' | 'unfit';
  /** Why it is not applied, for people. */
  readonly reason: string | undefined;
}

/** What a file's text and the entries of the API mean together. */
export interface ReadState {
  readonly config: GatewayConfig;
  readonly owned: readonly OwnedEntry[];
  /** What keeps entries of the API from being applied. */
  readonly unfit: readonly LocatedProblem[];
}

/**
 * Puts the parts of the state together. The file comes first and stands by itself: what it defines applies, and an entry
 * of the API that does not go together with it is set aside and kept.
 * @throws GatewayError `INVALID_CONFIG` when the file alone is invalid.
 */
export function readState(text: string, file: string, entries: readonly StateEntry[]): ReadState {
  const parsed = parseConfigText(text);
  const alone = readConfig(text, file);
  const ofFile = fileEntries(parsed);
  const isInFile = (entry: StateEntry) => ofFile.some(({ path }) => isSamePath(path, entry.path));
  let fitting = entries.filter((entry) => !isInFile(entry));
  const unfit: { readonly path: Path; readonly problem: ConfigProblem }[] = [];
  for (;;) {
    try {
      const config = fitting.length === 0 ? alone : parseConfigValue(layOver(parsed.value, fitting), parsed, file);
      return {
        config,
        owned: [...ofFile, ...entries.map((entry) => toOwned(entry, isInFile(entry), unfit))],
        unfit: unfit.map(({ problem }) => problem),
      };
    } catch (cause) {
      const problems = configProblems(toGatewayError(cause)).map(({ path, message }) => ({ path, message }));
      if (problems.length === 0) throw cause;
      const found = problems.flatMap((problem) => {
        const path = longest(fitting.filter((entry) => isWithin(problem.path, entry.path)))?.path;
        return path === undefined ? [] : [{ path, problem }];
      });
      // By itself the file is fine, so what fits nowhere comes of something laid over it.
      unfit.push(...(found.length > 0 ? found : fitting.map(({ path }) => ({ path, problem: problems[0]! }))));
      fitting = fitting.filter((entry) => !unfit.some(({ path }) => path === entry.path));
    }
  }
}

// Names may hold dots, so of two that fit the longer one is meant.
function longest(entries: readonly StateEntry[]): StateEntry | undefined {
  return entries.toSorted((left, right) => toText(right.path).length - toText(left.path).length)[0];
}

/** What the API owns and does not apply, with the reason. */
export function setAside({ owned }: ReadState): ReadonlyMap<string, string | undefined> {
  return new Map(owned.filter(({ state }) => state !== 'applied').map(({ path, reason }) => [toText(path), reason]));
}

/** What the file defines, each with its place. */
export function fileEntries(parsed: ConfigText): OwnedEntry[] {
  const value = adoptServers(parsed.value);
  if (!isObject(value)) return [];
  const toEntry = (path: Path): OwnedEntry => ({
    path,
    owner: 'file',
    place: parsed.positionOf(toText(path)),
    state: 'applied',
    reason: undefined,
  });
  return Object.entries(value).flatMap(([section, member]) => {
    if (section === '$schema') return [];
    if (section !== 'mcpServers' && section !== 'virtualServers') return [toEntry([section])];
    return isObject(member) ? Object.keys(member).map((name) => toEntry([section, name])) : [];
  });
}

function toOwned(
  { path }: StateEntry,
  isShadowed: boolean,
  unfit: readonly { readonly path: Path; readonly problem: ConfigProblem }[],
): OwnedEntry {
  const base = { path, owner: 'api', place: undefined } as const;
  if (isShadowed) return { ...base, state: 'shadowed', reason: 'the file defines it, too' };
  const problem = unfit.find((each) => isSamePath(each.path, path))?.problem;
  return problem === undefined
    ? { ...base, state: 'applied', reason: undefined }
    : { ...base, state: 'unfit', reason: renderProblem(problem) };
}

function layOver(value: unknown, entries: readonly StateEntry[]): unknown {
  return entries.reduce<unknown>((whole, { path, value: member }) => withMember(whole, path, member), adoptServers(value));
}

function withMember(whole: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  const members = isObject(whole) ? whole : {};
  const inner = Object.hasOwn(members, step) ? members[step] : undefined;
  return Object.fromEntries([...Object.entries(members).filter(([key]) => key !== step), [step, withMember(inner, rest, value)]]);
}

// Other hosts call the section so.
function adoptServers(value: unknown): unknown {
  if (!isObject(value) || value['mcpServers'] !== undefined || value['servers'] === undefined) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key === 'servers' ? 'mcpServers' : key, member]));
}

function isWithin(path: string, entry: Path): boolean {
  const text = toText(entry);
  return path === text || path.startsWith(`${text}.`);
}
