import { RawJson } from '@signalbox/core';
import { readMember, withMember, withoutMember } from '../messages/members.ts';
import { Scanner } from '../messages/scan.ts';
import { RELATED_TASK } from './task-ids.ts';

const TO_EXTENSION: ReadonlyMap<string, string> = new Map([
  ['ttl', 'ttlMs'],
  ['pollInterval', 'pollIntervalMs'],
]);
const TO_CORE: ReadonlyMap<string, string> = new Map([...TO_EXTENSION].map(([core, extension]) => [extension, core]));
// What a task of the core has no place for: its result comes by another method, and so do the server's questions.
const ONLY_EXTENSION = new Set(['resultType', 'result', 'error', 'inputRequests', '_meta']);

/** Members of a JSON object in their order, each value still bytes. */
export type Members = Map<string, RawJson>;

/** The members of an object; none for what is no object. */
export function readMembers({ bytes }: RawJson): Members {
  const members: Members = new Map();
  if (bytes[0] !== 0x7b) return members;
  const scanner = new Scanner(bytes);
  scanner.scanObject(0, (name, start) => {
    const end = scanner.skipValue(start);
    members.set(name, RawJson.fromBytes(bytes.subarray(start, end)));
    return end;
  });
  return members;
}

/** An object of these members. */
export function writeMembers(members: Iterable<readonly [string, RawJson]>): RawJson {
  const parts: Buffer[] = [];
  for (const [name, value] of members) parts.push(Buffer.from(`${parts.length === 0 ? '{' : ','}${JSON.stringify(name)}:`), ...value.parts);
  return RawJson.fromParts([...parts, Buffer.from(parts.length === 0 ? '{}' : '}')]);
}

/** A task of the core as members of one of the extension. What neither knows is kept. */
export function toExtensionTask(task: RawJson): Members {
  const members = renamed(readMembers(task), TO_EXTENSION);
  if (!members.has('ttlMs')) members.set('ttlMs', RawJson.fromValue(null));
  return members;
}

/** A task of the extension as members of one of the core. What neither knows is kept. */
export function toCoreTask(task: Members): Members {
  const members = renamed(task, TO_CORE);
  for (const name of ONLY_EXTENSION) members.delete(name);
  if (!members.has('ttl')) members.set('ttl', RawJson.fromValue(null));
  return members;
}

/** A result without the note of the task it came from. */
export function withoutRelatedTask(result: RawJson): RawJson {
  const members = readMembers(result);
  const meta = members.get('_meta');
  if (meta === undefined || readMember(meta, RELATED_TASK) === undefined) return result;
  const rest = withoutMember(meta, RELATED_TASK);
  if (rest === undefined) members.delete('_meta');
  else members.set('_meta', rest);
  return writeMembers(members);
}

/** An object whose `_meta` names the task it belongs to, as everything that belongs to a task of the core must. */
export function withRelatedTask(object: RawJson | undefined, id: string): RawJson {
  const meta = object === undefined ? undefined : readMember(object, '_meta');
  return withMember(object, '_meta', withMember(meta, RELATED_TASK, RawJson.fromValue({ taskId: id })));
}

function renamed(members: Members, names: ReadonlyMap<string, string>): Members {
  return new Map([...members].map(([name, value]) => [names.get(name) ?? name, value]));
}
