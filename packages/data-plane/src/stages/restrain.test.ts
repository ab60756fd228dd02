import {
  Cancellation,
  GatewayError,
  RawJson,
  silentLogger,
  systemClock,
  type Advice,
  type Ask,
  type Question,
  type Restraint,
  type ResultOutcome,
} from '@signalbox/core';
import { toParams } from '@signalbox/protocol';
import { describe, expect, test } from 'vitest';
import { createAdviceGuard } from '../advice-guard.ts';
import { createTestClock } from '../testing/test-clock.ts';
import type { TargetedCall } from './call-stages.ts';
import { restrain } from './restrain.ts';

const DONE: ResultOutcome = {
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
  const stage = restrain({
    advice,
    anomalies: { action: 'throttle', throttle: { callsPerMinute: 6, minutes: 10 } },
    clock,
    logger: silentLogger,
  });
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

describe('where the person is asked', () => {
  type Said = { readonly action: string; readonly content?: object } | GatewayError;

  /** A client whose person says one thing after the other, and again the last. */
  function setUpAsking(said: readonly Said[], { restraints = MALLORY }: Pick<Advice, 'restraints'> = {}) {
    const clock = createTestClock();
    const advice = createAdviceGuard({ current: { version: 1, restraints } }, { clock: systemClock, logger: silentLogger });
    const anomalies = { action: 'ask', throttle: { callsPerMinute: 6, minutes: 10 } } as const;
    const stage = restrain({ advice, anomalies, clock, logger: silentLogger });
    const asked: Question[] = [];
    let open: (() => void) | undefined;
    const ask: Ask = async (question) => {
      asked.push(question);
      if (open !== undefined) await new Promise<void>((resolve) => (open = resolve));
      const now = said[Math.min(asked.length, said.length) - 1]!;
      if (now instanceof GatewayError) throw now;
      return { ...DONE, result: RawJson.fromValue(now) };
    };
    const make = (more: object = {}) => {
      const call = { ...callOf('mallory'), id: 'c1', params: toParams({ arguments: { path: '/etc' } }), cancellation: new Cancellation() };
      const client = { info: { name: 'agent', version: '1' }, capabilities: { elicitation: {} } };
      const trace = { name: 'read', isApproved: false };
      const made = { ...call, client, session: { id: 's1' }, ask, trace, ...more } as unknown as TargetedCall;
      return { made, answer: (async () => stage(made, () => DONE))() };
    };
    return { clock, asked, make, hold: () => (open = () => undefined), release: () => open?.() };
  }

  const ALLOWED = { action: 'accept', content: { allow: true } };

  test('the call is made once that one has allowed it, and so are those after it in the same conversation', async () => {
    const why = 'it gives arguments that it has never given before';
    const restraint = { ...RESTRAINT, endsAtMs: 90_000, why };
    const { asked, make, clock } = setUpAsking([ALLOWED], { restraints: () => [restraint] });
    const { made, answer } = make();
    expect(await answer).toBe(DONE);
    expect(made.trace.isApproved).toBe(true);
    expect(asked[0]!.method).toBe('elicitation/create');
    expect(asked[0]!.params!.object).toEqual({
      message: `"agent" wants to call "read" of "files" with {"path":"/etc"}. That is unusual for it: ${why}. May it do so, and what is like it, for the next ${Math.ceil((90_000 - clock.now()) / 60_000)} min?`,
      requestedSchema: expect.objectContaining({ required: ['allow'] }) as object,
    });
    for (let call = 0; call < 5; call++) {
      const again = make();
      expect(await again.answer).toBe(DONE);
      expect(again.made.trace.isApproved).toBe(false);
    }
    expect(asked).toHaveLength(1);
    // Another one has another person.
    await make({ session: { id: 's2' } }).answer;
    expect(asked).toHaveLength(2);
  });

  test.each<[string, Said]>([
    ['declined', { action: 'decline' }],
    ['left unticked', { action: 'accept', content: { allow: false } }],
    ['answered without an answer', { action: 'accept' }],
  ])('what that one has %s is refused until the restraint ends, without asking again', async (_, said) => {
    const { asked, make } = setUpAsking([said]);
    for (let call = 0; call < 3; call++)
      await expect(make().answer).rejects.toMatchObject({
        code: 'RESTRAINED',
        message: expect.stringContaining('its person has declined it'),
      });
    expect(asked).toHaveLength(1);
  });

  test.each<[string, Said]>([
    ['says nothing', { action: 'cancel' }],
    ['is not there', new GatewayError('DEADLINE_EXCEEDED', 'no answer in 300 s')],
  ])('where that one %s the call is refused, and the next one asks again', async (_, said) => {
    const { asked, make } = setUpAsking([said, ALLOWED]);
    await expect(make().answer).rejects.toThrow('its person was asked and has not answered; the next call asks again');
    expect(await make().answer).toBe(DONE);
    expect(asked).toHaveLength(2);
  });

  test('while that one is asked, other calls are refused rather than asked about', async () => {
    const { asked, make, hold, release } = setUpAsking([ALLOWED]);
    hold();
    const first = make();
    await expect(make().answer).rejects.toThrow('its person is being asked; try again in 10 s');
    release();
    expect(await first.answer).toBe(DONE);
    expect(asked).toHaveLength(1);
    expect(await make().answer).toBe(DONE);
  });

  test.each([
    ['cannot be asked anything', { ask: undefined }],
    ['does not say that it has a person', { client: { info: undefined, capabilities: { sampling: {} } } }],
  ])('a client that %s is held back as with "throttle"', async (_, more) => {
    const { asked, make } = setUpAsking([ALLOWED]);
    expect(await make(more).answer).toBe(DONE);
    await expect(make(more).answer).rejects.toThrow('held to 6 a minute of this tool');
    expect(asked).toEqual([]);
  });

  test('and so is one whose person can only be sent to an address', async () => {
    const { asked, make } = setUpAsking([new GatewayError('MISSING_CAPABILITY', 'no forms')]);
    expect(await make().answer).toBe(DONE);
    await expect(make().answer).rejects.toThrow('held to 6 a minute of this tool');
    expect(asked).toHaveLength(1);
  });

  test('a call that is taken back meanwhile takes its question with it', async () => {
    const cancellation = new Cancellation();
    const { asked, make, hold, release } = setUpAsking([new GatewayError('CANCELLED', 'gone')]);
    hold();
    const { answer } = make({ cancellation });
    cancellation.cancel('the client has left');
    expect(asked[0]!.cancellation.reason).toBe('the client has left');
    release();
    await expect(answer).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
