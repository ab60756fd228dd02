import { RawJson, silentLogger, systemClock, type Advice, type Answer, type Restraint } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import { createTestClock } from '../testing/test-clock.ts';
import type { TargetedCall } from './call-stages.ts';
import { restrain } from './restrain.ts';

const DONE: Answer = {
  kind: 'result',
  result: RawJson.fromBytes(Buffer.from('{}')),
  resultType: 'complete',
  isError: false,
  revision: '2025-06-18',
};
const RESTRAINT: Restraint = { id: '0123456789ab', isOfAll: false, endsAtMs: Date.UTC(2026, 0, 5, 12) };

function callOf(principal: string, { tool = 'read', readOnlyHint = true, method = 'tools/call', upstream = 'files' } = {}): TargetedCall {
  const definition = { name: tool, inputSchema: {}, annotations: { readOnlyHint } };
  return { method, principal, target: { upstream, name: tool, definition }, trace: { name: tool } } as unknown as TargetedCall;
}

const MALLORY: Advice['restraints'] = ({ principal }) => (principal === 'mallory' ? [RESTRAINT] : []);

/** Six calls a minute for whoever is under a restraint. */
function setUp({ restraints }: Pick<Advice, 'restraints'> = { restraints: MALLORY }) {
  const clock = createTestClock();
  const advice = createAdviceGuard({ current: { version: 1, restraints } }, { clock: systemClock, logger: silentLogger });
  const stage = restrain({ advice, throttle: { callsPerMinute: 6, minutes: 10 }, clock });
  const make = (call: TargetedCall) => stage(call, () => DONE);
  return { clock, make };
}

test('who is held back gets one call through at a time, and is told why and when to try again', () => {
  const { clock, make } = setUp();
  const mallory = callOf('mallory');
  expect(make(mallory)).toBe(DONE);
  clock.advance(3_500);
  expect(() => make(mallory)).toThrow(
    expect.objectContaining({
      code: 'RESTRAINED',
      message:
        'Cannot call "read" now: because of calls that are abnormal for this caller (anomaly "0123456789ab") it is held to 6 a minute of this tool until 2026-01-05T12:00:00.000Z; try again in 7 s',
      data: { retryAfterSeconds: 7, anomaly: '0123456789ab', until: '2026-01-05T12:00:00.000Z', sent: false },
    }),
  );
  clock.advance(6_500);
  expect(make(mallory)).toBe(DONE);
  expect(() => make(mallory)).toThrow('try again in 10 s');
});

test('a call that may change something counts for three, and a refused one for none', () => {
  const { clock, make } = setUp();
  expect(make(callOf('mallory', { readOnlyHint: false }))).toBe(DONE);
  clock.advance(20_000);
  for (let call = 0; call < 5; call++) expect(() => make(callOf('mallory'))).toThrow('try again in 10 s');
  clock.advance(10_000);
  expect(make(callOf('mallory'))).toBe(DONE);
});

test('each restraint has its own pace, and all of them must let a call pass', () => {
  const all: Restraint = { ...RESTRAINT, id: 'all', isOfAll: true };
  const { clock, make } = setUp({ restraints: ({ tool }) => (tool === 'read' ? [RESTRAINT, all] : [all]) });
  expect(make(callOf('mallory', { tool: 'list' }))).toBe(DONE);
  expect(() => make(callOf('mallory'))).toThrow(/anomaly "all".* a minute in all /);
  clock.advance(10_000);
  expect(make(callOf('mallory'))).toBe(DONE);
});

test('others, other methods and what the gateway offers itself pass at any pace', () => {
  const { make } = setUp();
  const mallory = callOf('mallory');
  make(mallory);
  for (const call of [callOf('alice'), callOf('mallory', { method: 'prompts/get' }), callOf('mallory', { upstream: '@results' })])
    for (let time = 0; time < 50; time++) expect(make(call)).toBe(DONE);
});

test.each<[string, Advice['restraints']]>([
  ['is silent', undefined],
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['makes no sense', () => [undefined as never]],
  ['names no end', () => [{ ...RESTRAINT, endsAtMs: Number.NaN }]],
])('advice that %s holds back nobody', (_, restraints) => {
  const { make } = setUp({ restraints });
  for (let time = 0; time < 5; time++) expect(make(callOf('mallory'))).toBe(DONE);
});
