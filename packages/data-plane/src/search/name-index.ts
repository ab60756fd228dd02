import type { Target } from '@signalbox/core';
import { runsOf } from './words.ts';

/** Shortest beginning of a name that counts as one. */
const MIN_PREFIX = 3;

/** Finds tools by their names, however these are written. */
export class NameIndex {
  readonly #byKey = new Map<string, Set<number>>();

  constructor(tools: ReadonlyMap<string, Target>) {
    let index = 0;
    for (const [publicName, { upstream, name }] of tools) {
      for (const spelling of [publicName, name, `${upstream}/${name}`]) {
        const key = toKey(spelling);
        const known = this.#byKey.get(key);
        if (known === undefined) this.#byKey.set(key, new Set([index]));
        else known.add(index);
      }
      index++;
    }
  }

  /** Tools that a need names, and those whose name it begins. */
  find(need: string): { readonly exact: readonly number[]; readonly begun: readonly number[] } {
    const whole = toKey(need);
    const exact = new Set(this.#byKey.get(whole));
    const tokens = need.split(/[\s"'`(),;]+/);
    // In a sentence only what is written as a name counts as one: "search" there means what it says.
    for (const token of tokens) if (isWrittenAsName(token)) for (const index of this.#byKey.get(toKey(token)) ?? []) exact.add(index);
    const begun: number[] = [];
    if (exact.size === 0 && tokens.length === 1 && whole.length >= MIN_PREFIX)
      for (const [key, indexes] of this.#byKey) if (key.startsWith(whole)) begun.push(...indexes);
    return { exact: [...exact], begun: [...new Set(begun)] };
  }
}

function toKey(name: string): string {
  const key = runsOf(name).join('').toLowerCase();
  return key === '' ? name : key;
}

function isWrittenAsName(token: string): boolean {
  return /[\p{L}\p{N}][_./:-]+[\p{L}\p{N}]|\p{Ll}\p{Lu}/u.test(token);
}
