import { joinKey } from '../tool-key.ts';

/** What followed one context: a count for each tool, by its key, and one for all. */
export type Followers = ReadonlyMap<string, readonly number[]>;

// Contexts begin with what kind they are, and a key always has two parts.
export const EVERYTHING = 'e';
export const TOTAL = joinKey('', '');

export function contextOf(keys: readonly string[], order: number): string {
  return joinKey(`c${order}`, ...(order > keys.length ? ['^'] : []), ...keys.slice(-order));
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
  for (const [key, [count = 0]] of own ?? []) if (key !== TOTAL) insert(best, { key, count }, limit);
  return best.map(({ key }) => key);
}

/** The same after one more call of one tool, without going through all of them. */
export function raise(
  before: readonly string[],
  key: string,
  { own, limit }: { readonly own: Followers; readonly limit: number },
): string[] {
  const best: Counted[] = [];
  for (const each of new Set([...before, key])) insert(best, { key: each, count: own.get(each)?.[0] ?? 0 }, limit);
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
