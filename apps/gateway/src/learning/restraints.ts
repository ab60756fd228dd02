import type { Clock, LearningConfig, RestrainedCall, Restraint } from '@signalbox/core';
import type { Anomaly, AnomalyKind } from '@signalbox/learning';
import type { KeyedHash } from './keyed-hash.ts';

export interface RestraintsOptions {
  readonly config: LearningConfig['anomalies'];
  readonly hash: Pick<KeyedHash, 'text'>;
  readonly clock: Clock;
}

/** Who is held back, and until when; in memory alone. */
export interface Restraints {
  readonly isEmpty: boolean;
  /** Holds back who is behind an anomaly, until some time after it was last seen. Does nothing about what is no caller's doing. */
  see(anomaly: Anomaly): void;
  /** Those that a call is under. */
  of(call: RestrainedCall): readonly Restraint[];
  /** What stands for an anomaly: in force, or lifted. */
  find(id: string): HeldRestraint | undefined;
  /** Lets the caller go, also when the same is seen again as long as it goes on. @returns `undefined` where nothing stands. */
  lift(id: string): HeldRestraint | undefined;
  clear(): void;
  /** All that stand, for other processes. */
  all(): readonly RestraintOf[];
  /** Takes what another process has decided in place of what is here; one that stays is the same object. */
  replace(restraints: readonly RestraintOf[]): void;
}

export interface HeldRestraint extends Restraint {
  readonly isLifted: boolean;
}

export interface RestraintOf extends HeldRestraint, Pick<Anomaly, 'principal' | 'upstream' | 'tool'> {}

interface Entry extends RestraintOf {
  endsAtMs: number;
  isLifted: boolean;
}

const MAX_RESTRAINTS = 200;
const MINUTE_MS = 60_000;
/** What a caller does. Of a tool that is slow, or is another one than it was, no caller is to blame. */
const OWN_DOING: Partial<Record<AnomalyKind, string>> = {
  rate: 'it calls far more often than it ever did',
  'first-use': 'it has never called that before',
  shape: 'it gives arguments that it has never given before',
  destination: 'it names a host or a mail domain that it has never named before',
  sequence: 'it calls tools in an order in which it has never called them',
  arguments: 'its arguments are far larger than ever',
  result: 'it gets results that are far larger than ever',
  failures: 'its calls fail again and again',
};
const NONE: readonly Restraint[] = [];

export function createRestraints({ config: { throttle }, hash, clock }: RestraintsOptions): Restraints {
  const entries = new Map<string, Entry>();
  const callers = new Map<string, Entry[]>();

  const remove = ({ id, principal }: Entry): void => {
    entries.delete(id);
    const others = callers.get(principal)!.filter((each) => each.id !== id);
    if (others.length === 0) callers.delete(principal);
    else callers.set(principal, others);
  };
  const tidy = (): void => {
    const now = clock.now();
    for (const entry of entries.values()) if (entry.endsAtMs <= now) remove(entry);
  };
  const add = (entry: Entry): void => {
    // The one that ends soonest makes room.
    if (entries.size >= MAX_RESTRAINTS) remove([...entries.values()].reduce((a, b) => (b.endsAtMs < a.endsAtMs ? b : a)));
    entries.set(entry.id, entry);
    callers.set(entry.principal, [...(callers.get(entry.principal) ?? []), entry]);
  };

  return {
    get isEmpty() {
      return entries.size === 0;
    },
    see: ({ id, kind, principal, upstream, tool, lastMs }) => {
      const why = OWN_DOING[kind];
      if (principal === '' || why === undefined) return;
      const now = clock.now();
      const endsAtMs = Math.min(lastMs, now) + throttle.minutes * MINUTE_MS;
      tidy();
      const known = entries.get(id);
      if (known !== undefined) known.endsAtMs = Math.max(known.endsAtMs, endsAtMs);
      // What waited long to be learned is over.
      else if (endsAtMs > now) add({ id, principal, upstream, tool, isOfAll: tool === '', endsAtMs, why, isLifted: false });
    },
    of: ({ principal, upstream, tool }) => {
      const own = callers.get(hash.text(principal));
      if (own === undefined) return NONE;
      const now = clock.now();
      if (own.some(({ endsAtMs }) => endsAtMs <= now)) tidy();
      return own.filter(
        (each) => !each.isLifted && each.endsAtMs > now && (each.isOfAll || (each.upstream === upstream && each.tool === tool)),
      );
    },
    find: (id) => {
      tidy();
      return entries.get(id);
    },
    lift: (id) => {
      tidy();
      const entry = entries.get(id);
      if (entry !== undefined) entry.isLifted = true;
      return entry;
    },
    clear: () => {
      entries.clear();
      callers.clear();
    },
    all: () => {
      tidy();
      return [...entries.values()];
    },
    replace: (restraints) => {
      const wanted = new Map(restraints.map((restraint) => [restraint.id, restraint]));
      for (const entry of entries.values()) {
        const next = wanted.get(entry.id);
        if (next === undefined) remove(entry);
        else [entry.endsAtMs, entry.isLifted] = [next.endsAtMs, next.isLifted];
      }
      for (const next of wanted.values()) if (!entries.has(next.id)) add({ ...next });
    },
  };
}
