import { isObject } from '@signalbox/core';
import { isPortableName, toDistinctName, toPortableName } from './portable-name.ts';

/** The three kinds of things that are exposed under a name of ours. */
export type NamedKind = 'tool' | 'prompt' | 'resource';

interface Entry {
  readonly upstream: string;
  readonly name: string;
  /** What was asked for when the name was given; another wish is another claim. */
  readonly wish: string;
}

/** A ledger as JSON. */
export interface LedgerDocument {
  readonly version: 1;
  readonly names: Readonly<Record<string, Entry>>;
}

/** What an upstream wants one of its names to become. */
export interface NameClaim {
  readonly kind: NamedKind;
  readonly upstream: string;
  /** The upstream's own name, or URI. */
  readonly name: string;
  /** The public name it would like; `undefined` leaves it to the rules. */
  readonly rename: string | undefined;
  readonly alwaysPrefix: boolean;
  /**
   * Whether there is nobody else: names may stay as they are although not every client accepts them, and what those had
   * who are no longer wanted is free.
   */
  readonly verbatim: boolean;
  /** Names nobody may have here. */
  readonly reserved?: ReadonlySet<string>;
}

/**
 * Gives public names and remembers them: a name once given stays with its owner, whoever joins or leaves.
 * The first to ask has the bare name; who comes later gets its upstream's name in front.
 */
export class NameLedger {
  readonly #entries = new Map<string, Entry>();
  readonly #publicNames = new Map<string, string>();
  #isChanged = false;

  /** @param document What `toDocument` returned earlier. Anything else starts an empty ledger. */
  constructor(document?: unknown) {
    const names = isObject(document) ? document['names'] : undefined;
    if (!isObject(names)) return;
    for (const [key, value] of Object.entries(names)) {
      const entry = toEntry(value);
      if (entry !== undefined) this.#put(key, entry, kindOf(key));
    }
  }

  /** Whether names were given since the last `toDocument`. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** The public name for a claim: the one it has, or a new one that nobody else has. */
  claim(claim: NameClaim): string {
    const ownKey = toOwnKey(claim.kind, claim.upstream, claim.name);
    const wish = toWish(claim);
    const isReserved = (name: string) => claim.reserved?.has(name) === true;
    const present = this.#publicNames.get(ownKey);
    if (present !== undefined) {
      const key = toKey(claim.kind, present);
      if (this.#entries.get(key)?.wish === wish && !isReserved(present)) return present;
      this.#entries.delete(key);
      this.#publicNames.delete(ownKey);
    }
    const isFree = (name: string) => {
      const owner = this.#entries.get(toKey(claim.kind, name));
      return !isReserved(name) && (owner === undefined || (claim.verbatim && owner.upstream !== claim.upstream));
    };
    const given = candidatesFor(claim, wish).find(isFree)!;
    this.#put(toKey(claim.kind, given), { upstream: claim.upstream, name: claim.name, wish }, claim.kind);
    this.#isChanged = true;
    return given;
  }

  /** The name that was given last for what an upstream calls `name`. */
  nameOf(kind: NamedKind, upstream: string, name: string): string | undefined {
    return this.#publicNames.get(toOwnKey(kind, upstream, name));
  }

  /** Whose name it is, also when the owner is away. */
  ownerOf(kind: NamedKind, publicName: string): { readonly upstream: string; readonly name: string } | undefined {
    return this.#entries.get(toKey(kind, publicName));
  }

  /** The ledger as JSON, for the document store. */
  toDocument(): LedgerDocument {
    this.#isChanged = false;
    return { version: 1, names: Object.fromEntries(this.#entries) };
  }

  #put(key: string, entry: Entry, kind: NamedKind): void {
    const former = this.#entries.get(key);
    if (former !== undefined) this.#publicNames.delete(toOwnKey(kind, former.upstream, former.name));
    this.#entries.set(key, entry);
    this.#publicNames.set(toOwnKey(kind, entry.upstream, entry.name), key.slice(kind.length + 1));
  }
}

function candidatesFor(claim: NameClaim, wish: string): string[] {
  const seed = `${claim.upstream}\n${claim.name}`;
  if (claim.kind === 'resource')
    return [wish, `${claim.upstream.replace(/[^A-Za-z0-9.-]/g, '-')}+${wish}`, `${claim.upstream.length}-${claim.upstream}+${wish}`];
  const prefixed = prefixedName(claim.upstream, claim.rename ?? claim.name);
  return [wish, prefixed, toDistinctName(prefixed, seed), toDistinctName(`${prefixed}_`, `${seed}\n`)];
}

function toWish(claim: NameClaim): string {
  if (claim.kind === 'resource') return claim.name;
  if (claim.rename !== undefined) return toPortableName(claim.rename);
  if (claim.alwaysPrefix) return prefixedName(claim.upstream, claim.name);
  return claim.verbatim || isPortableName(claim.name) ? claim.name : toPortableName(claim.name);
}

// What marks an upstream as built in says nothing in a name.
function prefixedName(upstream: string, name: string): string {
  return toPortableName(`${upstream.replace(/^@/, '')}__${name}`);
}

function toKey(kind: NamedKind, publicName: string): string {
  return `${kind} ${publicName}`;
}

function toOwnKey(kind: NamedKind, upstream: string, name: string): string {
  return `${kind} ${upstream}\n${name}`;
}

function kindOf(key: string): NamedKind {
  return key.slice(0, key.indexOf(' ')) as NamedKind;
}

function toEntry(value: unknown): Entry | undefined {
  if (!isObject(value)) return undefined;
  const { upstream, name, wish } = value;
  return typeof upstream === 'string' && typeof name === 'string' && typeof wish === 'string' ? { upstream, name, wish } : undefined;
}
