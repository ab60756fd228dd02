import type { Record as CallRecord } from '@signalbox/core';
import { isAlike } from './spans.ts';

const MAX_KNOWN = 1_000;

/** Remembers what was made of calls for those that are alike: of most of what is written of a call, nothing is its own. */
export class LikeCalls<Made> {
  readonly #byName = new Map<string | undefined, { readonly record: CallRecord; readonly made: Made }[]>();
  readonly #make: (record: CallRecord) => Made;
  #size = 0;

  constructor(make: (record: CallRecord) => Made) {
    this.#make = make;
  }

  find(record: CallRecord): Made {
    let known = this.#byName.get(record.name);
    if (known !== undefined) for (const entry of known) if (isAlike(entry.record, record)) return entry.made;
    if (++this.#size > MAX_KNOWN) {
      this.forget();
      this.#size = 1;
      known = undefined;
    }
    if (known === undefined) this.#byName.set(record.name, (known = []));
    const made = this.#make(record);
    known.push({ record, made });
    return made;
  }

  forget(): void {
    this.#byName.clear();
    this.#size = 0;
  }
}
