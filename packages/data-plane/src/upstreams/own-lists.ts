import { createHash } from 'node:crypto';
import { exactJson } from '@signalbox/core';
import { toExtras, type FetchedList, type Listed, type ListKind, type Manifest } from './manifest.ts';

type Lists = Readonly<Partial<Record<ListKind, FetchedList>>>;

/** What a server behind a connection of a single client's lists, where it said that it is not what it listed before. Never changes. */
export class OwnLists {
  #lists: Lists;
  #manifest: Manifest | undefined;
  #own: Manifest | undefined;

  constructor(lists: Lists) {
    this.#lists = lists;
  }

  get kinds(): readonly ListKind[] {
    return Object.keys(this.#lists) as ListKind[];
  }

  /** The same with these in place of those of their kinds. */
  with(lists: Lists): OwnLists {
    return new OwnLists({ ...this.#lists, ...lists });
  }

  /** A manifest with these lists in the place of its own. The same object where they are the same. */
  over(manifest: Manifest): Manifest {
    if (this.#manifest === manifest) return this.#own!;
    const others = Object.entries(this.#lists).filter(([kind, list]) => !this.#isListed(manifest, kind as ListKind, list));
    const items = Object.fromEntries(others.map(([kind, list]) => [kind, list.items]));
    this.#own = others.length === 0 ? manifest : { ...manifest, ...items, ...toExtras(Object.fromEntries(others), manifest) };
    this.#manifest = manifest;
    return this.#own;
  }

  #isListed(manifest: Manifest, kind: ListKind, list: FetchedList): boolean {
    if ((manifest.rests?.[kind] ?? '') !== list.rest || !isSameList(manifest[kind], list.items)) return false;
    // Many sessions may have the same list, so one is kept.
    this.#lists = { ...this.#lists, [kind]: { ...list, items: manifest[kind] } };
    return true;
  }
}

const digests = new WeakMap<readonly Listed[], string>();

/** Tells whether two lists have the same entries, to the letter and in the same order. */
export function isSameList(left: readonly Listed[], right: readonly Listed[]): boolean {
  return left === right || (left.length === right.length && digestOf(left) === digestOf(right));
}

function digestOf(items: readonly Listed[]): string {
  let digest = digests.get(items);
  if (digest === undefined) {
    digest = createHash('sha256').update(items.map(exactJson).join('\n')).digest('base64');
    digests.set(items, digest);
  }
  return digest;
}
