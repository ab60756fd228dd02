import { RawJson, type Outcome, type ResultOutcome } from '@signalbox/core';
import { Scanner } from '../messages/scan.ts';
import { isHandshake } from './revisions.ts';

/** What the modern revision wants on results that may be cached, and handshake servers do not say. */
const NOT_CACHEABLE = '"ttlMs":0,"cacheScope":"private"';
const CACHEABLE_METHODS = new Set([
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'server/discover',
]);
const MODERN_MEMBERS = new Set(['resultType', 'ttlMs', 'cacheScope']);
const RESOURCE_NOT_FOUND = { handshake: -32002, modern: -32602 };

/**
 * Brings an outcome into the shape of `revision`. Between two revisions of one generation nothing changes.
 * Only the ends of a result are rewritten, its members stay the bytes they were.
 */
export function toRevision(outcome: Outcome, revision: string, method: string): Outcome {
  if (outcome.kind === 'error') return toErrorRevision(outcome, revision, method);
  if (isHandshake(outcome.revision) === isHandshake(revision)) return outcome;
  return isHandshake(revision) ? toHandshake(outcome, revision) : toModern(outcome, revision, method);
}

function toModern(outcome: ResultOutcome, revision: string, method: string): ResultOutcome {
  const members = [`"resultType":${JSON.stringify(outcome.resultType)}`];
  if (CACHEABLE_METHODS.has(method)) members.push(NOT_CACHEABLE);
  return { ...outcome, revision, result: prependMembers(outcome.result, members.join(',')) };
}

/** A copy of a result with members, given as JSON text without braces, in front of its own. What is no object stays as it is. */
export function prependMembers(result: RawJson, members: string): RawJson {
  const { bytes } = result;
  if (bytes[0] !== 0x7b) return result;
  const rest = new Scanner(bytes).skipSpace(1);
  const isEmpty = bytes[rest] === 0x7d;
  return RawJson.fromBytes(Buffer.concat([Buffer.from(isEmpty ? `{${members}` : `{${members},`), bytes.subarray(rest)]));
}

function toHandshake(outcome: ResultOutcome, revision: string): ResultOutcome {
  const { bytes } = outcome.result;
  if (bytes[0] !== 0x7b) return { ...outcome, revision };
  const kept: Buffer[] = [];
  const scanner = new Scanner(bytes);
  let changed = false;
  scanner.scanObject(0, (key, start) => {
    const end = scanner.skipValue(start);
    if (MODERN_MEMBERS.has(key)) changed = true;
    else kept.push(Buffer.from(`${kept.length === 0 ? '{' : ','}${JSON.stringify(key)}:`), bytes.subarray(start, end));
    return end;
  });
  if (!changed) return { ...outcome, revision };
  if (kept.length === 0) kept.push(Buffer.from('{'));
  return { ...outcome, revision, result: RawJson.fromBytes(Buffer.concat([...kept, Buffer.from('}')])) };
}

// "Not found" has a code of its own in the handshake revisions and is a case of invalid params in the modern one.
function toErrorRevision(outcome: Outcome & { kind: 'error' }, revision: string, method: string): Outcome {
  if (method !== 'resources/read') return outcome;
  const from = isHandshake(revision) ? RESOURCE_NOT_FOUND.modern : RESOURCE_NOT_FOUND.handshake;
  const to = isHandshake(revision) ? RESOURCE_NOT_FOUND.handshake : RESOURCE_NOT_FOUND.modern;
  if (outcome.error.code !== from) return outcome;
  return { kind: 'error', error: { ...outcome.error, code: to } };
}
