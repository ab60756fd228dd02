import { createHash } from 'node:crypto';
import type { Params } from '@signalbox/core';
import { canonicalText } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';

/** What a key stands for: one key of one principal. */
export function keyId(principal: string, key: string): string {
  return digest(`${principal}\n${key}`);
}

/**
 * Tells calls apart by what they ask for, under whichever public name: the upstream, its tool and the arguments. The
 * order of members, spaces and escapes do not count. Numbers are compared as they are written, since two large ones may
 * be the same to JavaScript and not to the upstream.
 */
export function fingerprintOf({ target, params }: TargetedCall): string {
  const args = params.get('arguments');
  // A call that wants a task has another answer.
  const wish = params.has('task') ? 'task' : '';
  return digest(`${target.upstream}\n${target.name}\n${wish}\n${args === undefined ? '' : canonicalText(args.bytes)}`);
}

/** Tells the rounds of one call apart: a call that was answered with a question comes back with the answer to it. */
export function roundOf(params: Params): string {
  const state = params.get('requestState');
  const responses = params.get('inputResponses');
  if (state === undefined && responses === undefined) return '';
  return digest(`${state?.bytes.toString() ?? ''}\n${responses === undefined ? '' : canonicalText(responses.bytes)}`);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
