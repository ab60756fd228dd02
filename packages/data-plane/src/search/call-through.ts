import type { Params } from '@signalbox/core';
import { readMember, withParams } from '@signalbox/protocol';
import { CALL_TOOL } from './search-tools.ts';

const MEMBERS = new Set(['name', 'arguments']);

/**
 * The params of the call that a call of `call_tool` stands for. All that is not its name and arguments stays as it is, so that
 * answers to a server's questions and whatever extensions add reach the tool. Arguments keep their bytes.
 * @returns `undefined` for another tool, and for arguments that are not those of `call_tool`: its schema tells what is wrong with them.
 */
export function readInnerParams(params: Params): Params | undefined {
  if (params.get('name')?.value !== CALL_TOOL) return undefined;
  const given = params.get('arguments');
  const members = given?.object;
  if (given === undefined || members === undefined || typeof members['name'] !== 'string' || members['name'] === '') return undefined;
  if (!Object.keys(members).every((member) => MEMBERS.has(member))) return undefined;
  return withParams(params, { name: readMember(given, 'name'), arguments: readMember(given, 'arguments') });
}
