import type { Effect } from '../effects/read-effect.ts';
import type { CallInteraction } from '../interaction.ts';

/** What a finished call says about how long results last. */
export interface CallFact {
  /** Unix time of the answer, in milliseconds. */
  readonly atMs: number;
  readonly upstream: string;
  /** The tool with its upstream and version, as `versionedTool` gives it. */
  readonly tool: string;
  readonly effect: Effect;
  /** Who and what was asked: results are compared within one caller only. Empty where the arguments were not read. */
  readonly callKey: string;
  /** Empty where the result was not read, or is no result. */
  readonly resultKey: string;
}

export function versionedTool({ upstream, tool, toolVersion }: Pick<CallInteraction, 'upstream' | 'tool' | 'toolVersion'>): string {
  return `${upstream}/${tool}@${toolVersion}`;
}

/**
 * The fact of a call, or nothing where the call says nothing: it was answered from a cache, or never reached the upstream.
 * @param effect What the tool is held for; whatever is not held for a read may have changed something, also where it failed.
 */
export function toCallFact(call: CallInteraction, effect: Effect): CallFact | undefined {
  if (call.cached || call.ending === 'refused' || call.ending === 'unavailable') return undefined;
  const isRead = call.argsKey !== '' && call.resultKey !== '' && call.ending === 'ok';
  return {
    atMs: call.atMs,
    upstream: call.upstream,
    tool: versionedTool(call),
    effect,
    callKey: isRead ? `${call.tenant}|${call.principal}|${call.argsKey}` : '',
    resultKey: isRead ? call.resultKey : '',
  };
}
