import { LINK_SIZE, type Posting, type SearchReading } from './posting.ts';
import { startTrust } from './trust.ts';

const MAX_LINKS_OF_FEATURE = 64;
const MAX_TOOLS = 20_000;
/** Choices after which the weights of a feature begin to settle. */
const SETTLED = 50;
const MAX_WEIGHT = 8 * 4096;
/** What is left of the memory after room was made. */
const KEPT = 0.9;

interface LivePosting extends Posting {
  seen: number;
  links: Int32Array;
  to: number;
}

/** What was learned for one tenant, in maps that grow. */
export class TenantMemory implements SearchReading {
  readonly trust = startTrust();
  readonly #keys: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #choices: number[] = [];
  readonly #postings = new Map<number, LivePosting>();
  #links = 0;
  choices = 0;

  get tools(): number {
    return this.#keys.length;
  }

  get postings(): ReadonlyMap<number, Posting> {
    return this.#postings;
  }

  keyOf(tool: number): string {
    return this.#keys[tool]!;
  }

  toolOf(key: string): number {
    return this.#numbers.get(key) ?? -1;
  }

  choicesOf(tool: number): number {
    return this.#choices[tool]!;
  }

  find(feature: number): Posting | undefined {
    return this.#postings.get(feature);
  }

  trustOf(place: number): number {
    return this.trust[place]!;
  }

  /** The number of a tool, a new one if need be; -1 when there is no room for more. */
  numberOf(key: string): number {
    let tool = this.#numbers.get(key);
    if (tool !== undefined) return tool;
    if (this.#keys.length >= MAX_TOOLS) return -1;
    tool = this.#keys.push(key) - 1;
    this.#choices.push(0);
    this.#numbers.set(key, tool);
    return tool;
  }

  /** Counts that a tool was chosen for a need. */
  addChoice(need: readonly number[], tool: number): void {
    this.choices++;
    this.#choices[tool]!++;
    for (const feature of need) {
      const posting = this.#posting(feature);
      posting.seen++;
      this.#change(posting, { tool, column: 1, by: 1 });
    }
  }

  /**
   * Changes the weight of each feature for each tool, in units of `WEIGHT_UNIT`: by all of it where a feature is new, and by less the
   * more choices it was part of.
   */
  addWeights(need: readonly number[], changes: readonly { readonly tool: number; readonly by: number }[]): void {
    if (changes.length === 0) return;
    for (const feature of need) {
      const posting = this.#posting(feature);
      const share = 1 / Math.sqrt(1 + posting.seen / SETTLED);
      for (const { tool, by } of changes) this.#change(posting, { tool, column: 2, by: Math.round(share * by) });
    }
  }

  /** Forgets the features with least evidence when there are too many. */
  makeRoom(maxLinks: number): void {
    if (this.#links <= maxLinks) return;
    const sizes = new Map<number, number>();
    for (const { seen, to } of this.#postings.values()) sizes.set(seen, (sizes.get(seen) ?? 0) + to / LINK_SIZE);
    let over = this.#links - KEPT * maxLinks;
    for (const seen of [...sizes.keys()].toSorted((left, right) => left - right)) {
      for (const [feature, posting] of this.#postings) {
        if (over <= 0) return;
        if (posting.seen !== seen) continue;
        over -= posting.to / LINK_SIZE;
        this.#links -= posting.to / LINK_SIZE;
        this.#postings.delete(feature);
      }
    }
  }

  /** Takes back one row of what was saved. */
  restoreTool(key: string, choices: number): void {
    const tool = this.numberOf(key);
    if (tool < 0) return;
    this.#choices[tool] = choices;
    this.choices += choices;
  }

  restoreFeature(feature: number, seen: number): void {
    this.#posting(feature).seen = seen;
  }

  restoreLink(feature: number, key: string, [count, weight]: readonly [number, number]): void {
    const tool = this.numberOf(key);
    if (tool < 0) return;
    const posting = this.#posting(feature);
    this.#change(posting, { tool, column: 1, by: count });
    this.#change(posting, { tool, column: 2, by: weight });
  }

  #posting(feature: number): LivePosting {
    let posting = this.#postings.get(feature);
    if (posting === undefined) this.#postings.set(feature, (posting = { seen: 0, links: new Int32Array(LINK_SIZE), from: 0, to: 0 }));
    return posting;
  }

  #change(posting: LivePosting, { tool, column, by }: { readonly tool: number; readonly column: 1 | 2; readonly by: number }): void {
    const { links, to } = posting;
    let at = 0;
    while (at < to && links[at] !== tool) at += LINK_SIZE;
    if (at === to) at = this.#openLink(posting, tool);
    const value = posting.links[at + column]! + by;
    posting.links[at + column] = column === 1 ? value : Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, value));
  }

  // Returns where the link stands: behind the others, or in the place of the one with least evidence.
  #openLink(posting: LivePosting, tool: number): number {
    let at = posting.to;
    if (at === MAX_LINKS_OF_FEATURE * LINK_SIZE) at = weakestOf(posting);
    else {
      if (at === posting.links.length) {
        const wider = new Int32Array(Math.min(MAX_LINKS_OF_FEATURE * LINK_SIZE, posting.links.length * 2));
        wider.set(posting.links);
        posting.links = wider;
      }
      posting.to += LINK_SIZE;
      this.#links++;
    }
    posting.links[at] = tool;
    posting.links[at + 1] = 0;
    posting.links[at + 2] = 0;
    return at;
  }
}

function weakestOf({ links, to }: Posting): number {
  let weakest = 0;
  for (let at = LINK_SIZE; at < to; at += LINK_SIZE) {
    const fewer = links[at + 1]! - links[weakest + 1]!;
    if (fewer < 0 || (fewer === 0 && Math.abs(links[at + 2]!) < Math.abs(links[weakest + 2]!))) weakest = at;
  }
  return weakest;
}
