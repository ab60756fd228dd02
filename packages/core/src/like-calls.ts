import type { Record } from './ports.ts';

const MAX_KNOWN = 1_000;

/**
 * Remembers what was made of calls for those that differ from them in nothing but ids, times and sizes: little of what is written of
 * a call is its own. Bounded; at the limit it begins anew.
 */
export class LikeCalls<Made> {
  readonly #byName = new Map<string | undefined, { readonly record: Record; readonly made: Made }[]>();
  readonly #make: (record: Record) => Made;
  #size = 0;

  constructor(make: (record: Record) => Made) {
    this.#make = make;
  }

  find(record: Record): Made {
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

function isAlike(one: Record, other: Record): boolean {
  return (
    one.name === other.name &&
    one.upstream === other.upstream &&
    one.upstreamName === other.upstreamName &&
    one.method === other.method &&
    one.principal === other.principal &&
    one.client === other.client &&
    one.server === other.server &&
    one.revision === other.revision &&
    one.status === other.status &&
    one.error === other.error &&
    one.cached === other.cached &&
    one.cacheTier === other.cacheTier &&
    one.isAhead === other.isAhead &&
    one.isApproved === other.isApproved &&
    one.attempts === other.attempts
  );
}
