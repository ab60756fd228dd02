import type {
  ComparisonRecord,
  Detour,
  FailedAttempt,
  RecordPayload,
  Record as CallRecord,
  SearchRecord,
  ShownRecord,
} from '@signalbox/core';
import {
  readNeed,
  type CallEnding,
  type CallInteraction,
  type ComparisonInteraction,
  type FailedCall,
  type SearchInteraction,
  type ShownTool,
} from '@signalbox/learning';
import { unitOf } from './caller-unit.ts';
import { isSampled, type KeyedHash } from './keyed-hash.ts';
import { readDestinations } from './read-destinations.ts';
import type { ToolVersion } from './tool-versions.ts';

export interface FactSources {
  readonly hash: KeyedHash;
  /** A tool as it is now. */
  readonly versionOf: (upstream: string, tool: string) => ToolVersion;
  /** Of the advice in force. */
  readonly adviceVersion: () => number;
  /** Of a session, by its hash: the arms that are in force. */
  readonly armsOf: (session: string) => readonly string[];
}

const MAX_ARGUMENTS = 32;

/** Makes facts without payloads of what the path has recorded. */
export function createFactMaker({ hash, versionOf, adviceVersion, armsOf }: FactSources) {
  let sequence = 0;
  const sessionOf = (session: string | undefined, { principal, client }: Pick<CallRecord, 'principal' | 'client'>): string =>
    unitOf(hash, { session, principal, client });
  return {
    sessionOf,
    call: (record: ToolRecord, payload: RecordPayload | undefined): CallInteraction => {
      const { upstream, upstreamName: tool } = record;
      // Arguments and results are hashed for one in four sets of arguments: what is compared is kept, at a quarter of the cost.
      const given = payload?.arguments?.bytes;
      const argsKey = given !== undefined && isSampled(given) ? hash.bytes(given) : '';
      const result = argsKey !== '' && record.status === 'ok' && !record.cached ? payload?.result : undefined;
      const { version, effect } = versionOf(upstream, tool);
      const session = sessionOf(payload?.session, record);
      const destinations = readDestinations(payload?.arguments?.knownObject, hash);
      return {
        kind: 'call',
        sequence: ++sequence,
        atMs: record.startedAtMs,
        tenant: '',
        principal: hash.text(record.principal),
        session,
        client: record.client ?? '',
        policyVersion: adviceVersion(),
        arms: armsOf(session),
        upstream,
        tool,
        toolVersion: version,
        effect,
        argsKey,
        argsShape: shapeOf(payload?.arguments?.knownObject),
        argsBytes: payload?.arguments?.knownByteLength ?? 0,
        resultBytes: record.resultBytes ?? 0,
        resultKey: result === undefined ? '' : hash.bytes(result.bytes),
        ending: endingOf(record),
        errorCode: record.error ?? '',
        durationMs: record.durationMs,
        queueMs: record.queuedMs,
        attempts: record.attempts,
        cached: record.cached,
        ...(payload?.detour && fromDetour(payload.detour, versionOf)),
        ...(payload?.step && { step: payload.step }),
        ...(destinations.length > 0 && { destinations }),
      };
    },
    /** One for each need, so that a call later on can be told to be for one of them. */
    searches: (record: SearchRecord): SearchInteraction[] =>
      record.results.map(({ need, shown }) => ({
        kind: 'search',
        sequence: ++sequence,
        atMs: record.atMs,
        tenant: '',
        principal: hash.text(record.principal),
        session: sessionOf(record.session, record),
        client: record.client ?? '',
        policyVersion: record.adviceVersion,
        arms: record.arms,
        needs: [readNeed(need)],
        shown: shown.map(toShown),
        answerBytes: Math.round(record.answerBytes / record.results.length),
      })),
    comparison: (record: ComparisonRecord): ComparisonInteraction => {
      const { atMs, upstream, tool, edit, detail, isSame } = record;
      return {
        kind: 'comparison',
        sequence: ++sequence,
        atMs,
        tenant: '',
        principal: hash.text(record.principal),
        session: sessionOf(record.session, record),
        client: record.client ?? '',
        policyVersion: adviceVersion(),
        arms: [],
        upstream,
        tool,
        toolVersion: versionOf(upstream, tool).version,
        edit,
        detail,
        isSame,
      };
    },
  };
}

/** A call that says something of a tool. */
export type ToolRecord = CallRecord & { readonly upstream: string; readonly upstreamName: string };

export function isToolRecord(record: CallRecord): record is ToolRecord {
  const { upstream, upstreamName: tool, method, error, isAhead, isApproved } = record;
  // What we held back says nothing of the tool, and must not count against its caller once more. What nobody asked for is no habit of
  // anybody's, and what a person had to be asked about took as long as the person.
  if (method !== 'tools/call' || error === 'RESTRAINED' || isAhead || isApproved) return false;
  return upstream !== undefined && tool !== undefined && !upstream.startsWith('@');
}

function fromDetour(
  { failed, fallbacks, afterFailures }: Detour,
  versionOf: FactSources['versionOf'],
): Pick<CallInteraction, 'failed' | 'fallbacks' | 'afterFailures'> {
  const toFailed = ({ upstream, tool, error }: FailedAttempt): FailedCall => {
    return { upstream, tool, toolVersion: versionOf(upstream, tool).version, errorCode: error };
  };
  return {
    ...(failed.length > 0 && { failed: failed.map(toFailed) }),
    ...(fallbacks.length > 0 && { fallbacks }),
    ...(afterFailures.length > 0 && { afterFailures }),
  };
}

function toShown({ candidateRank, ...shown }: ShownRecord): ShownTool {
  return candidateRank === undefined || candidateRank === 0 ? shown : { ...shown, candidateRank };
}

function shapeOf(value: Readonly<Record<string, unknown>> | undefined): string[] {
  if (value === undefined) return [];
  const shape: string[] = [];
  for (const name in value) {
    shape.push(`${name}:${typeOf(value[name])}`);
    if (shape.length === MAX_ARGUMENTS) break;
  }
  return shape.length > 1 ? shape.toSorted() : shape;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

const REFUSALS = new Set(['INVALID_PARAMS', 'FORBIDDEN', 'UNAUTHENTICATED', 'UNKNOWN_NAME', 'NOT_REPEATABLE', 'TOO_LARGE', '-32602']);

function endingOf({ status, error = '' }: CallRecord): CallEnding {
  if (status === 'ok') return 'ok';
  if (status === 'tool-error') return 'toolError';
  if (status === 'cancelled') return 'cancelled';
  if (REFUSALS.has(error)) return 'refused';
  return error === 'DEADLINE_EXCEEDED' ? 'timeout' : 'unavailable';
}
