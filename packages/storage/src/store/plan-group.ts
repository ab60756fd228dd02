import type { StoreEntry } from '@signalbox/core';
import { stale } from './checks.ts';
import type { CommitOutcome, Operations } from './commit-queue.ts';

/** What a store holds of the things a group of commits is about. */
export interface Present {
  /** By `placeOf`; those that are missing have no entry. */
  readonly versions: ReadonlyMap<string, number>;
  readonly logs: ReadonlyMap<string, { readonly first: number; readonly last: number }>;
  /** Last version given to anything. */
  readonly version: number;
}

/** What has to be written for a group, once for each thing however often it has changed. */
export interface Plan {
  readonly outcomes: readonly CommitOutcome[];
  readonly puts: readonly (StoreEntry & { readonly collection: string })[];
  readonly deletes: readonly { readonly collection: string; readonly key: string }[];
  readonly appends: readonly { readonly log: string; readonly sequence: number; readonly value: Buffer }[];
  readonly logs: readonly PlannedLog[];
  readonly version: number;
}

interface PlannedLog {
  readonly log: string;
  readonly first: number;
  readonly last: number;
  /** What was there before the first has to go. */
  readonly isTrimmed: boolean;
  /** Everything that was there before this group has to go. */
  readonly isForgotten: boolean;
}

interface LogState {
  first: number;
  last: number;
  isChanged: boolean;
  isTrimmed: boolean;
  isForgotten: boolean;
}

/** A key within all collections. Names of collections hold no blank. */
export function placeOf(collection: string, key: string): string {
  return `${collection} ${key}`;
}

/** Decides a group of commits one after another, as if each were alone, against what was there before the first. */
export function planGroup(group: readonly Operations[], present: Present): Plan {
  const entries = new Map<string, { collection: string; key: string; version: number; value: Buffer | undefined }>();
  const logs = new Map<string, LogState>();
  for (const [log, { first, last }] of present.logs) logs.set(log, { first, last, isChanged: false, isTrimmed: false, isForgotten: false });
  let appends: { log: string; sequence: number; value: Buffer }[] = [];
  let { version } = present;

  const versionAt = (place: string): number => entries.get(place)?.version ?? present.versions.get(place) ?? 0;
  const refuse = (operations: Operations) => {
    // No one can know the version of a put before it is made.
    const tentative = new Map<string, number>();
    for (const [index, operation] of operations.entries()) {
      if (operation.kind === 'put' || operation.kind === 'delete') {
        const place = placeOf(operation.collection, operation.key);
        const found = tentative.get(place) ?? versionAt(place);
        if (operation.ifVersion !== undefined && operation.ifVersion !== found) return stale(operation, index, found || 0);
        tentative.set(place, operation.kind === 'put' ? Number.NaN : 0);
      } else if (operation.kind === 'append') {
        const next = tentative.get(operation.log) ?? (logs.get(operation.log)?.last ?? 0) + 1;
        if (operation.ifNext !== undefined && operation.ifNext !== next && next > 1) return stale(operation, index, next);
        tentative.set(operation.log, (operation.ifNext ?? next) + operation.values.length);
      } else if (operation.kind === 'forget') {
        tentative.set(operation.log, 1);
      }
    }
    return undefined;
  };
  const apply = (operation: Operations[number]): number => {
    switch (operation.kind) {
      case 'put': {
        const { collection, key, value } = operation;
        version += 1;
        entries.set(placeOf(collection, key), { collection, key, version, value });
        return version;
      }
      case 'delete': {
        const { collection, key } = operation;
        entries.set(placeOf(collection, key), { collection, key, version: 0, value: undefined });
        return 0;
      }
      case 'append': {
        const { log, values, ifNext = 1 } = operation;
        const state = logs.get(log) ?? { first: 1, last: 0, isChanged: true, isTrimmed: false, isForgotten: false };
        logs.set(log, state);
        if (state.last === 0) Object.assign(state, { first: ifNext, last: ifNext - 1 });
        const sequence = state.last + 1;
        for (const value of values) appends.push({ log, sequence: (state.last += 1), value });
        state.isChanged = true;
        return sequence;
      }
      case 'trim': {
        const state = logs.get(operation.log);
        if (state === undefined || operation.before <= state.first) return 0;
        state.first = Math.min(operation.before, state.last + 1);
        state.isChanged = true;
        state.isTrimmed = true;
        return 0;
      }
      case 'forget': {
        const state = logs.get(operation.log);
        if (state === undefined) return 0;
        Object.assign(state, { first: 1, last: 0, isChanged: true, isForgotten: true });
        appends = appends.filter(({ log }) => log !== operation.log);
        return 0;
      }
    }
  };
  const outcomes = group.map((operations) => refuse(operations) ?? operations.map(apply));
  const changed = [...entries.values()];
  return {
    outcomes,
    puts: changed.flatMap(({ value, ...rest }) => (value === undefined ? [] : [{ ...rest, value }])),
    deletes: changed.filter(({ value }) => value === undefined),
    appends: appends.filter(({ log, sequence }) => sequence >= logs.get(log)!.first),
    logs: [...logs]
      .filter(([, { isChanged }]) => isChanged)
      .map(([log, { first, last, isTrimmed, isForgotten }]) => ({ log, first, last, isTrimmed, isForgotten })),
    version,
  };
}
