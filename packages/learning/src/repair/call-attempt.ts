import type { CallInteraction } from '../interaction.ts';

/** What a finished call says about how its arguments were taken. */
export interface CallAttempt {
  readonly session: string;
  /** Empty for a caller without a name, whose repairs count for nobody. */
  readonly principal: string;
  /** The tool with its upstream and version. */
  readonly tool: string;
  readonly atMs: number;
  /** Names and JSON types of the arguments, as `path:string`. */
  readonly shape: readonly string[];
  /** Why it was not taken: the error's code. Empty on success. */
  readonly errorCode: string;
}

/** The attempt that a call was, or nothing where its end says nothing about its arguments: it was cancelled, late or never arrived. */
export function toCallAttempt(call: CallInteraction): CallAttempt | undefined {
  if (call.ending !== 'ok' && call.ending !== 'toolError' && call.ending !== 'refused') return undefined;
  return {
    session: `${call.tenant}|${call.session}`,
    principal: call.principal === '' ? '' : `${call.tenant}|${call.principal}`,
    tool: `${call.upstream}/${call.tool}@${call.toolVersion}`,
    atMs: call.atMs,
    shape: call.argsShape,
    // A code comes from an upstream and is shown to other callers' models, so it must be a plain word.
    errorCode: call.ending === 'ok' ? '' : /^[\w.-]{1,64}$/.test(call.errorCode) ? call.errorCode : call.ending,
  };
}
