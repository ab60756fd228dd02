import { RawJson, type Outcome, type ResultChange, type ResultHead, type ResultOutcome } from '@signalbox/core';
import { readMember, withMember } from '../messages/members.ts';
import { Scanner } from '../messages/scan.ts';
import { MODERN_MEMBERS, isHandshake } from './revisions.ts';

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

/**
 * The same for a result that still arrives.
 * @returns `undefined` when it must be seen whole: what a modern server asks of its client does not go on as it is.
 */
export function changeToRevision(head: ResultHead, revision: string, method: string): ResultChange | undefined {
  if (isHandshake(head.revision)) {
    if (isHandshake(revision)) return NO_CHANGE;
    return { added: modernMembers(head.resultType ?? 'complete', method), dropped: NONE, objects: NONE };
  }
  const isComplete = head.resultType === 'complete' || (head.member !== undefined && RESULT_MEMBERS.has(head.member));
  if (!isComplete) return undefined;
  return isHandshake(revision) ? TO_HANDSHAKE : NO_CHANGE;
}

const NONE: ReadonlySet<string> = new Set();
const NO_CHANGE: ResultChange = { added: '', dropped: NONE, objects: NONE };
const TO_HANDSHAKE: ResultChange = { added: '', dropped: MODERN_MEMBERS, objects: new Set(['structuredContent']) };
/** Members by which a complete result of each kind is known. */
const RESULT_MEMBERS = new Set([
  'content',
  'structuredContent',
  'contents',
  'messages',
  'completion',
  'tools',
  'prompts',
  'resources',
  'resourceTemplates',
]);

function toModern(outcome: ResultOutcome, revision: string, method: string): ResultOutcome {
  return { ...outcome, revision, result: prependMembers(outcome.result, modernMembers(outcome.resultType, method)) };
}

function modernMembers(resultType: string, method: string): string {
  const type = `"resultType":${JSON.stringify(resultType)}`;
  return CACHEABLE_METHODS.has(method) ? `${type},${NOT_CACHEABLE}` : type;
}

/** A copy of a result with members, given as JSON text without braces, in front of its own. What is no object stays as it is. */
export function prependMembers(result: RawJson, members: string): RawJson {
  const [first, ...others] = result.parts;
  if (first?.[0] !== 0x7b) return result;
  const rest = new Scanner(first).skipSpace(1);
  const isEmpty = first[rest] === 0x7d;
  return RawJson.fromParts([Buffer.from(isEmpty ? `{${members}` : `{${members},`), first.subarray(rest), ...others]);
}

function toHandshake(given: ResultOutcome, revision: string): ResultOutcome {
  const outcome = withObjectContent(given);
  const { modernMembers = findModernMembers(outcome.result), ...rest } = outcome;
  const result = modernMembers.length === 0 ? outcome.result : RawJson.fromParts(withoutRanges(outcome.result.bytes, modernMembers));
  return { ...rest, result, revision };
}

// Clients of the handshake revisions refuse structured content that is no object, so it becomes the value of one.
function withObjectContent(outcome: ResultOutcome): ResultOutcome {
  if (outcome.hasLooseContent === false) return outcome;
  const content = readMember(outcome.result, 'structuredContent');
  if (content === undefined || content.bytes[0] === 0x7b) return outcome;
  const object = RawJson.fromBytes(Buffer.concat([Buffer.from('{"value":'), content.bytes, Buffer.from('}')]));
  return { ...outcome, result: withMember(outcome.result, 'structuredContent', object), modernMembers: undefined };
}

function findModernMembers({ bytes }: RawJson): readonly number[] {
  const found: number[] = [];
  if (bytes[0] !== 0x7b) return found;
  const scanner = new Scanner(bytes);
  scanner.scanObject(0, (key, start, keyStart) => {
    const end = scanner.passValue(start);
    if (MODERN_MEMBERS.has(key)) found.push(keyStart, end);
    return end;
  });
  return found;
}

// A member goes together with the comma in front of it, or the one behind it while nothing has been kept.
function withoutRanges(bytes: Buffer, ranges: readonly number[]): readonly Buffer[] {
  const kept: Buffer[] = [];
  let from = 0;
  for (let index = 0; index < ranges.length; index += 2) {
    let start = ranges[index]!;
    let end = ranges[index + 1]!;
    const before = lastIndexOfText(bytes, from, start);
    if (before >= from && bytes[before] === COMMA) start = before;
    else {
      const after = new Scanner(bytes).skipSpace(end);
      if (bytes[after] === COMMA) end = new Scanner(bytes).skipSpace(after + 1);
    }
    if (start > from) kept.push(bytes.subarray(from, start));
    from = Math.max(from, end);
  }
  kept.push(bytes.subarray(from));
  return kept;
}

const COMMA = 0x2c;

/** Index of the last byte in [from, to) that is not white space, or one before `from`. */
function lastIndexOfText(bytes: Buffer, from: number, to: number): number {
  let index = to - 1;
  while (index >= from && (bytes[index] === 0x20 || bytes[index] === 0x0a || bytes[index] === 0x0d || bytes[index] === 0x09)) index--;
  return index;
}

// "Not found" has a code of its own in the handshake revisions and is a case of invalid params in the modern one.
function toErrorRevision(outcome: Outcome & { kind: 'error' }, revision: string, method: string): Outcome {
  if (method !== 'resources/read') return outcome;
  const from = isHandshake(revision) ? RESOURCE_NOT_FOUND.modern : RESOURCE_NOT_FOUND.handshake;
  const to = isHandshake(revision) ? RESOURCE_NOT_FOUND.handshake : RESOURCE_NOT_FOUND.modern;
  if (outcome.error.code !== from) return outcome;
  return { kind: 'error', error: { ...outcome.error, code: to } };
}
