import { describe, expect, test } from 'vitest';
import { Cancellation } from './cancellation.ts';
import type { Call, Outcome, Stage } from './call.ts';
import { createPipeline } from './pipeline.ts';
import { RawJson } from './raw-json.ts';

const outcome: Outcome = { kind: 'result', result: RawJson.fromValue({}), resultType: 'complete', isError: false, revision: '2026-07-28' };
const call: Call = {
  id: 'c-1',
  method: 'tools/call',
  params: new Map(),
  client: { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' },
  cancellation: new Cancellation(),
  emit: undefined,
  wantsProgress: false,
  principal: 'local',
  priority: 'normal',
  deadlineMs: Number.POSITIVE_INFINITY,
};

interface Named extends Call {
  readonly target: string;
}

describe('a pipeline', () => {
  test('runs its stages outermost first and unwinds in reverse', () => {
    const seen: string[] = [];
    const stage =
      (name: string): Stage =>
      (current, next) => {
        seen.push(`${name} in`);
        const result = next(current);
        seen.push(`${name} out`);
        return result;
      };
    const handle = createPipeline<Call>()
      .use(stage('observe'))
      .use(stage('admit'))
      .end(() => {
        seen.push('send');
        return outcome;
      });
    expect(handle(call)).toBe(outcome);
    expect(seen).toEqual(['observe in', 'admit in', 'send', 'admit out', 'observe out']);
  });

  test('hands on what a stage added, and returns values without a promise', () => {
    const handle = createPipeline<Call>()
      .use<Named>((current, next) => next({ ...current, target: 'echo' }))
      .end((current) => ({ ...outcome, resultType: current.target }));
    expect(handle(call)).toMatchObject({ resultType: 'echo' });
  });

  test('does not compile when a stage needs what nobody added', () => {
    const needsTarget: Stage<Named> = (current, next) => next(current);
    // @ts-expect-error A call without a target cannot enter.
    const handle = createPipeline<Call>().use(needsTarget);
    expect(handle).toBeDefined();
  });
});
