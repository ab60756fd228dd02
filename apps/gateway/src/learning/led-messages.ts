import { deserialize, serialize } from 'node:v8';
import type { ToldNext } from '@signalbox/learning';
import type { RestraintOf } from './restraints.ts';

/** What a process that is led has to say to the one that learns. */
export interface Parcel {
  /** As `toFactBytes` writes them. */
  readonly facts: readonly Uint8Array[];
  /** Who is behind hashes in them. */
  readonly callers: readonly (readonly [hash: string, name: string])[];
  /** Facts that found no room. */
  readonly dropped: number;
  /** Of the advice that it has; empty for none. Absent while it wants no other. */
  readonly known?: string;
}

export interface ParcelAnswer {
  /** Of the advice in force; empty while there is none. */
  readonly id: string;
  /** As `encodeAdvice` writes it, where another was wanted. */
  readonly advice?: Uint8Array;
  readonly restraints: readonly RestraintOf[];
  /** What sessions that have called of late are likely to call next, of all processes. */
  readonly next: readonly ToldNext[];
}

export const encodeParcel = (parcel: Parcel): Buffer => serialize(parcel);
export const decodeParcel = (bytes: Uint8Array): Parcel => deserialize(bytes) as Parcel;
export const encodeAnswer = (answer: ParcelAnswer): Buffer => serialize(answer);
export const decodeAnswer = (bytes: Uint8Array): ParcelAnswer => deserialize(bytes) as ParcelAnswer;
