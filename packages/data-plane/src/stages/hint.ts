import { RawJson, type Answer, type ErrorOutcome, type ResultOutcome } from '@signalbox/core';
import { readElements, readMember, withMember } from '@signalbox/protocol';
import type { AdviceGuard } from '../advice-guard.ts';
import type { TargetedCall, TargetedStage } from './call-stages.ts';

export interface HintOptions {
  readonly advice: AdviceGuard | undefined;
}

const MAX_HINTS = 3;
/** JSON-RPC's code for params that are not taken. */
const INVALID_PARAMS = -32_602;

/** Adds to the answer to a call of a tool that was not taken what helped others: the model reads it and mends its next call. */
export function hint({ advice }: HintOptions): TargetedStage {
  if (advice === undefined) return (call, next) => next(call);
  return (call, next) => {
    if (call.method !== 'tools/call' || advice.current()?.hints === undefined) return next(call);
    const answer = next(call);
    return answer instanceof Promise ? answer.then((later) => mend(advice, call, later)) : mend(advice, call, answer);
  };
}

function mend(advice: AdviceGuard, { target, principal }: TargetedCall, answer: Answer): Answer {
  const isRefused = answer.kind === 'error' && answer.error.code === INVALID_PARAMS;
  const hasFailed = answer.kind === 'result' && answer.isError;
  if (!isRefused && !hasFailed) return answer;
  const ask = advice.current()?.hints;
  const refused = { principal, upstream: target.upstream, tool: target.name, code: isRefused ? INVALID_PARAMS : undefined };
  const hints = ask && advice.ask(() => ask(refused));
  if (hints === undefined || hints.length === 0) return answer;
  const text = hints
    .slice(0, MAX_HINTS)
    .map((each) => `Hint: ${each}`)
    .join('\n');
  return isRefused ? mendError(answer, text) : mendResult(answer as ResultOutcome, text);
}

function mendError({ error }: ErrorOutcome, text: string): ErrorOutcome {
  return { kind: 'error', error: { ...error, message: `${error.message}\n${text}` } };
}

// All other bytes stay as they are.
function mendResult({ modernMembers, ...outcome }: ResultOutcome, text: string): ResultOutcome {
  const content = readMember(outcome.result, 'content');
  if (content === undefined) return { modernMembers, ...outcome };
  const elements = [...readElements(content), RawJson.fromValue({ type: 'text', text })];
  const bytes = elements.flatMap((element, index) => [Buffer.from(index === 0 ? '[' : ','), element.bytes]);
  return { ...outcome, result: withMember(outcome.result, 'content', RawJson.fromBytes(Buffer.concat([...bytes, Buffer.from(']')]))) };
}
