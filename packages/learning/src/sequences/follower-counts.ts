import type { ModelTable } from '../model.ts';
import { joinKey } from '../tool-key.ts';
import { AFTER_ONE, BEGINNING, serverOf, splitFollower, TOTAL, type Followers } from './followers.ts';

const MAX_ROWS = 100_000;
/** What follows a tool at least so often, and in so large a share, is what most do. */
const LEAST_FOLLOWED = 5;
const MOST_SHARE = 0.6;

/** What followed which context, how often; of more rows than there may be, those seen least go. */
export class FollowerCounts {
  #contexts = new Map<string, Followers>();
  /** As many as it is when it is saved. */
  #rows = 0;

  get(context: string): Followers | undefined {
    return this.#contexts.get(context);
  }

  learn(context: string, key: string): void {
    const own = this.#open(context);
    const count = own.tools.get(key);
    if (count === undefined) this.#rows++;
    own.tools.set(key, (count ?? 0) + 1);
    own.total++;
  }

  /** @returns whether something had to go. */
  prune(): boolean {
    if (this.#rows < MAX_ROWS) return false;
    for (let least = 1; this.#rows > 0.9 * MAX_ROWS; least *= 2)
      for (const [context, { total, tools }] of this.#contexts) {
        if (total > least) continue;
        this.#rows -= 1 + tools.size;
        this.#contexts.delete(context);
      }
    return true;
  }

  /** By tool, the upstream other than its own that most of what follows right after it belongs to. */
  upstreamsAfter(): Map<string, string> {
    const found = new Map<string, string>();
    for (const [context, { total, tools }] of this.#contexts) {
      if (total < LEAST_FOLLOWED || !context.startsWith(AFTER_ONE)) continue;
      const after = context.slice(AFTER_ONE.length);
      const upstream = mostOf(tools, MOST_SHARE * total);
      if (upstream !== undefined && after !== BEGINNING && upstream !== serverOf(after)) found.set(after, upstream);
    }
    return found;
  }

  save(): ModelTable {
    const rows = new Map<string, readonly number[]>();
    for (const [context, { total, tools }] of this.#contexts) {
      for (const [key, count] of tools) rows.set(joinKey(context, key), [count]);
      rows.set(joinKey(context, TOTAL), [total]);
    }
    return rows;
  }

  load(rows: ModelTable | undefined): void {
    this.#contexts = new Map();
    this.#rows = 0;
    for (const [joined, [count = 0]] of rows ?? []) {
      const [context, key] = splitFollower(joined);
      const own = this.#open(context);
      if (key === TOTAL) own.total = count;
      else own.tools.set(key, count);
      this.#rows += key === TOTAL ? 0 : 1;
    }
  }

  #open(context: string): Followers {
    let own = this.#contexts.get(context);
    if (own === undefined) {
      this.#contexts.set(context, (own = { total: 0, tools: new Map() }));
      this.#rows++;
    }
    return own;
  }
}

/** The upstream whose tools have at least `least` of the counts. */
function mostOf(tools: ReadonlyMap<string, number>, least: number): string | undefined {
  const counts = new Map<string, number>();
  for (const [key, count] of tools) {
    const upstream = serverOf(key);
    const sum = (counts.get(upstream) ?? 0) + count;
    if (sum >= least) return upstream;
    counts.set(upstream, sum);
  }
  return undefined;
}
