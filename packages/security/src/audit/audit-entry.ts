import { hash } from 'node:crypto';
import type { Record as CallRecord } from '@signalbox/core';
import type { TextPlace } from './waiting-texts.ts';

/** A change of what is wanted, or of the gateway itself. */
export interface AuditChange {
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  readonly by: string;
  readonly action: string;
  readonly reason: string | undefined;
  readonly stateVersion: number | undefined;
  /** For people, secrets masked. */
  readonly lines: readonly string[];
}

/** One record of the audit as it is read. */
export interface AuditEntry {
  readonly chain: string;
  /** Its place in the chain, from 1. */
  readonly sequence: number;
  /** Of this record and the one before, in hexadecimal. */
  readonly hash: string;
  readonly kind: 'call' | 'change';
  readonly record: CallRecord | AuditChange;
  readonly hasPayload: boolean;
}

/** Where a chain stands: its last record, or the one that the next has to follow. */
export interface ChainHead {
  readonly sequence: number;
  readonly hash: string;
}

/** What goes into a chain, with what is kept beside the record. */
export type AuditFact =
  | { readonly kind: 'call'; readonly record: CallRecord; readonly payload: string | undefined }
  | { readonly kind: 'change'; readonly record: AuditChange; readonly payload: undefined };

/** In front of the first record. */
export const CHAIN_BEGIN: ChainHead = { sequence: 0, hash: '0'.repeat(64) };

/** Beginning of the names of logs that hold chains. */
export const CHAIN_PREFIX = 'audit.';
/** For each chain the last record that was let go. */
export const ANCHORS = 'audit-anchors';

/** What stands in front of the record itself is shorter. */
const MAX_HEAD_LENGTH = 300;
const GAP = 'audit.gap';
// Within a text its quotes would be escaped.
const GAP_BYTES = Buffer.from(`"action":"${GAP}"`);
const HASH_KEY = ',"hash":"';
const SUFFIX_LENGTH = HASH_KEY.length + 64 + 2;
// JSON leaves these as they are, and there are readers to whom they end a line or begin a command.
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/;
const ALL_UNSAFE = new RegExp(UNSAFE, 'g');

/** Bytes a record may take beside its own. */
export const ENTRY_BYTES = MAX_HEAD_LENGTH + 150 + SUFFIX_LENGTH;

/** A fact with its record as the bytes of JSON text. */
export interface TextFact {
  readonly kind: AuditFact['kind'];
  readonly record: TextPlace;
  readonly payload: string | undefined;
}

/**
 * Writes the record that follows `previous` into memory: one line of JSON, with the hash of all that stands in front of it.
 * There must be room for `ENTRY_BYTES` more than the record has.
 * @returns the new head, and where the record ends.
 */
export function encodeEntry(
  { chain, previous }: { readonly chain: string; readonly previous: ChainHead },
  { kind, record, payload }: TextFact,
  { memory, at }: { readonly memory: Buffer; readonly at: number },
): { readonly head: ChainHead; readonly end: number } {
  const sealed = payload === undefined ? 'null' : `"${hash('sha256', payload)}"`;
  const front = `${entryHead(chain, previous)}"kind":"${kind}","payload":${sealed},"record":`;
  let end = at + memory.write(front, at, 'latin1');
  end += record.memory.copy(memory, end, record.start, record.end);
  const own = hash('sha256', memory.subarray(at, end));
  end += memory.write(`${HASH_KEY}${own}"}`, end, 'latin1');
  return { head: { sequence: previous.sequence + 1, hash: own }, end };
}

/** JSON text that is one line to every reader. */
export function toSafeJson(value: unknown): string {
  const text = JSON.stringify(value);
  if (!UNSAFE.test(text)) return text;
  return text.replaceAll(ALL_UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Says what is wrong with the record that should follow `previous`, or nothing. */
export function findFlaw(chain: string, previous: ChainHead, value: Buffer): string | undefined {
  const text = entryHead(chain, previous);
  const end = value.length - SUFFIX_LENGTH;
  if (
    end < text.length ||
    value.toString('latin1', end, end + HASH_KEY.length) !== HASH_KEY ||
    value.toString('latin1', value.length - 2) !== '"}'
  )
    return 'it is no record';
  if (hash('sha256', value.subarray(0, end)) !== hashOf(value)) return 'it was changed: its hash is not that of what it says';
  if (value.toString('latin1', 0, text.length) === text) return undefined;
  const found = decode(value);
  if (found?.chain !== chain) return `it belongs to another chain, "${String(found?.chain)}"`;
  if (found.sequence !== previous.sequence + 1) return `it was written as record ${found.sequence}`;
  return 'it does not follow the record in front of it, which was replaced';
}

/** Reads a record. @returns `undefined` for what is none. */
export function decodeEntry(
  value: Buffer,
  { chain, sequence }: { readonly chain: string; readonly sequence: number },
): AuditEntry | undefined {
  const found = decode(value);
  if (found === undefined || (found.kind !== 'call' && found.kind !== 'change')) return undefined;
  return { chain, sequence, hash: found.hash, kind: found.kind, record: found.record, hasPayload: found.payload !== null };
}

/** Tells whether something is kept beside a record, without reading all of it. */
export function mayHavePayload(value: Buffer): boolean {
  return !value.toString('latin1', 0, MAX_HEAD_LENGTH).includes('"payload":null,');
}

/** The hash of the payload that a record speaks of. */
export function payloadHashOf(value: Buffer): string | undefined {
  return decode(value)?.payload ?? undefined;
}

/** The hash of a stored record, of which the next one has to speak, whatever it is. */
export function hashOf(value: Buffer): string {
  const text = value.toString('latin1', Math.max(0, value.length - 66), value.length - 2);
  return /^[0-9a-f]{64}$/.test(text) ? text : hash('sha256', value);
}

/** What stands in the chain where records are missing. */
export function createGap(count: number, { atMs, sinceMs }: { readonly atMs: number; readonly sinceMs: number }): AuditChange {
  const lines = [`${count} records could not be kept from ${new Date(sinceMs).toISOString()} on`];
  return { atMs, by: 'gateway', action: GAP, reason: 'the store was away', stateVersion: undefined, lines };
}

/** How many records are missing in front of a record, as it says itself. */
export function lostBefore(value: Buffer, place: { readonly chain: string; readonly sequence: number }): number {
  if (!value.includes(GAP_BYTES)) return 0;
  const entry = decodeEntry(value, place);
  if (entry?.kind !== 'change') return 0;
  const { action, lines } = entry.record as AuditChange;
  return action === GAP ? Number.parseInt(lines[0] ?? '0', 10) : 0;
}

/** When a record was written, by the wall clock. */
export function timeOf({ kind, record }: Pick<AuditEntry, 'kind' | 'record'>): number {
  return kind === 'call' ? (record as CallRecord).startedAtMs : (record as AuditChange).atMs;
}

// The chain's name goes into it, so that records of one cannot pass for those of another.
function entryHead(chain: string, previous: ChainHead): string {
  return `{"chain":"${chain}","sequence":${previous.sequence + 1},"previous":"${previous.hash}",`;
}

interface Stored {
  readonly chain: string;
  readonly sequence: number;
  readonly kind: unknown;
  readonly payload: string | null;
  readonly record: AuditEntry['record'];
  readonly hash: string;
}

function decode(value: Buffer): Stored | undefined {
  try {
    return JSON.parse(value.toString('utf8')) as Stored;
  } catch {
    // Whoever reads it says that it is none.
    return undefined;
  }
}
