import { createHash } from 'node:crypto';
import { canonicalJson, exactJson, type ToolDefinition, type UpstreamConfig } from '@signalbox/core';
import { canonicalText } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { Upstream } from '../upstreams/upstream.ts';

/** Members that make a call more than its arguments: a later round of one, or a wish for a task. */
const BESIDE_ARGUMENTS = ['requestState', 'inputResponses', 'task'];

// Members of `_meta` that say who calls, how urgently and in which trace, and nothing of what is asked.
const HOP_MEMBER = /^(?:io\.modelcontextprotocol\/|signalbox\.dev\/|(?:progressToken|traceparent|tracestate|baggage)$)/;

const digests = new WeakMap<object, string>();

/** Whether a call is its arguments and nothing more. */
export function isPlain(call: TargetedCall): boolean {
  return !BESIDE_ARGUMENTS.some((name) => call.params.has(name));
}

/**
 * What an answer depends on beside the upstream's name, so that nobody is given one that is not theirs: whose it is, who
 * the server believes to talk to, which server and which tool it is, and what was asked. An upgrade, a restart that was
 * asked for, a changed definition or another credential all start from nothing. Arguments are compared as they are
 * written: two large numbers may be one to us and two to the server.
 */
export function answerKey(call: TargetedCall, upstream: Upstream, owner: AnswerOwner): string {
  const args = call.params.get('arguments');
  return `${answerScope(call, upstream, owner)}\n${args === undefined ? '' : canonicalText(args.bytes)}`;
}

export interface AnswerOwner {
  readonly owner: string;
  readonly identity: string;
}

/** The same without what was asked. */
export function answerScope(call: TargetedCall, upstream: Upstream, { owner, identity }: AnswerOwner): string {
  const { desired } = upstream;
  const session = desired.config.isolation.mode === 'session' ? (call.session?.id ?? '') : undefined;
  const version = call.target.definition === undefined ? '' : digestOf(call.target.definition);
  const parts = [owner, identity, session, desired.generation, upstream.manifest?.server?.version, version, call.method, call.target.name];
  return `${JSON.stringify(parts)}${besides(call)}`;
}

/** Tells configurations apart that may lead to another server, or to the same one as somebody else. */
export function configIdentity(config: UpstreamConfig): string {
  return createHash('sha256').update(canonicalJson(config)).digest('base64url').slice(0, 22);
}

function digestOf(definition: ToolDefinition): string {
  let digest = digests.get(definition);
  if (digest === undefined) {
    digest = createHash('sha256').update(exactJson(definition)).digest('base64url').slice(0, 12);
    digests.set(definition, digest);
  }
  return digest;
}

function besides({ params }: TargetedCall): string {
  const meta = params.get('_meta')?.object;
  const members = meta === undefined ? [] : Object.entries(meta).filter(([name]) => !HOP_MEMBER.test(name));
  return members.length === 0 ? '' : canonicalJson(Object.fromEntries(members));
}
