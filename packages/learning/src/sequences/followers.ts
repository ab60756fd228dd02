import { joinKey } from '../tool-key.ts';

/** What followed one context. */
export interface Followers {
  /** How often anything did. */
  total: number;
  /** How often each tool did, by its key. */
  readonly tools: Map<string, number>;
}

// Contexts begin with what kind they are, and a key always has two parts.
export const EVERYTHING = 'e';
/** How the context of one call before begins; its tool follows. */
export const AFTER_ONE = joinKey('c1', '');
/** In place of a call before the first. */
export const BEGINNING = '^';
/** Where the total stands among the rows of a context. */
export const TOTAL = joinKey('', '');

/** The contexts that the last calls are, the last one alone first; what a session has begun with is another context than the same later. */
export function contextsOf(keys: readonly string[], longest: number): string[] {
  const contexts: string[] = [];
  let past = '';
  for (let order = 1; order <= Math.min(longest, keys.length + 1); order++) {
    const key = order > keys.length ? BEGINNING : keys[keys.length - order]!;
    past = order === 1 ? key : joinKey(key, past);
    contexts.push(joinKey(`c${order}`, past));
  }
  return contexts;
}

export function serverContext(server: string): string {
  return joinKey('s', server);
}

export function wordOf(feature: number): string {
  return joinKey('w', feature.toString(36));
}

export function serverOf(key: string): string {
  return key.slice(0, key.indexOf('\0'));
}

export function splitFollower(joined: string): readonly [context: string, key: string] {
  const cut = joined.lastIndexOf('\0', joined.lastIndexOf('\0') - 1);
  return [joined.slice(0, cut), joined.slice(cut + 1)];
}

/** Keys of what followed most often, most first. */
export function bestOf(own: Followers | undefined, limit: number): string[] {
  const best: Counted[] = [];
  if (own !== undefined) for (const [key, count] of own.tools) insert(best, { key, count }, limit);
  return best.map(({ key }) => key);
}

/** The same after one more call of one tool, without going through all of them. */
export function raise(
  before: readonly string[],
  key: string,
  { own, limit }: { readonly own: Followers; readonly limit: number },
): readonly string[] {
  // The best stays the best.
  if (before[0] === key) return before;
  const best: Counted[] = [];
  for (const each of new Set([...before, key])) insert(best, { key: each, count: own.tools.get(each) ?? 0 }, limit);
  return best.map((each) => each.key);
}

interface Counted {
  readonly key: string;
  readonly count: number;
}

// Contexts hold thousands of tools and few are wanted, so nothing is sorted that will be left out.
function insert(best: Counted[], tool: Counted, limit: number): void {
  let place = best.length;
  while (place > 0 && isBefore(tool, best[place - 1]!)) place--;
  if (place >= limit) return;
  best.splice(place, 0, tool);
  if (best.length > limit) best.pop();
}

function isBefore(one: Counted, other: Counted): boolean {
  return one.count > other.count || (one.count === other.count && one.key < other.key);
}
