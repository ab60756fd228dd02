import { GatewayError, type AdviceSource, type Record, type RecordPayload } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf, textOf } from './testing/memory-gateway.ts';
import { createTestClock } from './testing/test-clock.ts';

async function openGateway() {
  let isDown = false;
  let asked = 0;
  const main = createScriptedServer([
    {
      name: 'find',
      annotations: { readOnlyHint: true },
      run: () => {
        asked++;
        if (isDown) throw new GatewayError('DEADLINE_EXCEEDED', 'No answer in time', { data: { sent: true } });
        return resultOf({ content: [{ type: 'text', text: 'main' }] });
      },
    },
  ]);
  const spare = createScriptedServer([
    { name: 'find', annotations: { readOnlyHint: true }, run: () => resultOf({ content: [{ type: 'text', text: 'spare' }] }) },
  ]);
  const clock = createTestClock();
  const advice: { current: AdviceSource['current'] } = { current: undefined };
  const written: { readonly record: Record; readonly payload: RecordPayload | undefined }[] = [];
  const gateway = await createMemoryGateway({
    servers: { main, spare },
    config: { main: { fallback: ['spare'], retry: { attempts: 1 }, breaker: { failures: 3 } } },
    journal: { wantsPayload: true, write: (record, payload) => void written.push({ record, payload }) },
    advice,
    clock,
    random: () => 0.5,
  });
  await gateway.list('tools/list');
  /** Calls so often and tells who answered, and how often the first was asked. */
  const call = async (times: number) => {
    asked = 0;
    const answers = new Set<unknown>();
    for (let made = 0; made < times; made++) answers.add(textOf(await gateway.call('find')));
    return { asked, answers: [...answers] };
  };
  return { gateway, call, clock, advice, written, setDown: (down: boolean) => (isDown = down) };
}

test('an upstream that very likely fails again is spared while it is away, and back when it answers', async () => {
  const { gateway, call, clock, advice, written, setDown } = await openGateway();
  await using _ = gateway;
  advice.current = { version: 1, failureRisk: (_upstream, { sinceMs }) => (sinceMs < 600_000 ? 0.97 : 0.2) };
  expect(await call(10)).toEqual({ asked: 10, answers: ['main'] });
  setDown(true);
  expect(await call(10)).toEqual({ asked: 1, answers: ['spare'] });
  const { record, payload } = written.at(-1)!;
  expect(record).toMatchObject({ upstream: 'spare', attempts: 1, status: 'ok' });
  expect(payload!.detour).toMatchObject({ failed: [], fallbacks: [{ upstream: 'spare' }, { upstream: 'main', staticPlace: 0 }] });
  clock.advance(30_000);
  expect(await call(10)).toEqual({ asked: 1, answers: ['spare'] });
  setDown(false);
  expect(await call(10)).toEqual({ asked: 0, answers: ['spare'] });
  clock.advance(30_000);
  expect(await call(10)).toEqual({ asked: 10, answers: ['main'] });
});

test('once nobody advises any more, the configured order and the breaker stand alone', async () => {
  const { gateway, call, clock, advice, setDown } = await openGateway();
  await using _ = gateway;
  advice.current = { version: 1, failureRisk: () => 0.97 };
  setDown(true);
  expect((await call(5)).asked).toBe(1);
  advice.current = undefined;
  expect(await call(10)).toEqual({ asked: 2, answers: ['spare'] });
  expect(gateway.supervisor.status()[0]).toMatchObject({ name: 'main', breaker: 'open' });
  clock.advance(5_000);
  setDown(false);
  expect(await call(10)).toEqual({ asked: 10, answers: ['main'] });
});
