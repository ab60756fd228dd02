import type { CallInteraction } from '../interaction.ts';

/** A call that went well, unless told otherwise. */
export function createCall(more: Partial<CallInteraction>): CallInteraction {
  return {
    kind: 'call',
    sequence: 1,
    atMs: 1_000_000,
    tenant: '',
    principal: 'p1',
    session: 's1',
    client: 'test',
    policyVersion: 0,
    arms: [],
    upstream: 'files',
    tool: 'read',
    toolVersion: 'v1',
    effect: 'unknown',
    argsKey: '',
    argsShape: [],
    argsBytes: 10,
    resultBytes: 20,
    resultKey: '',
    ending: 'ok',
    errorCode: '',
    durationMs: 1,
    queueMs: 0,
    attempts: 1,
    cached: false,
    ...more,
  };
}
