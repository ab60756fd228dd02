import type { Advice, Restraint } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf } from './testing/memory-gateway.ts';
import { createTestClock } from './testing/test-clock.ts';

const RESTRAINT: Restraint = { id: '0123456789ab', isOfAll: true, endsAtMs: 600_000 };
const restraints: Advice['restraints'] = ({ principal }) => (principal === 'mallory' ? [RESTRAINT] : []);

async function openGateway() {
  let runs = 0;
  const say = { name: 'say', annotations: { readOnlyHint: true }, run: () => (runs++, resultOf({ content: [] })) };
  const server = createScriptedServer([say]);
  const clock = createTestClock();
  const gateway = await createMemoryGateway({
    servers: { one: server },
    config: { one: { cache: { tools: ['say'] } } },
    more: { learning: { anomalies: { throttle: { callsPerMinute: 1 } } }, virtualServers: { agent: { surface: 'search' } } },
    advice: { current: { version: 1, restraints } },
    clock,
  });
  return { gateway, clock, runs: () => runs };
}

test('who is held back gets neither a call nor a kept answer through, by whatever name, and others notice nothing', async () => {
  const { gateway, clock, runs } = await openGateway();
  await using _ = gateway;
  const as = (principal: string) => ({ request: { principal } });
  const agent = gateway.at('agent');
  await gateway.call('say', {}, as('mallory'));
  await expect(gateway.call('say', {}, as('mallory'))).rejects.toMatchObject({ code: 'RESTRAINED', data: { retryAfterSeconds: 60 } });
  await expect(agent.call('call_tool', { name: 'say', arguments: {} }, as('mallory'))).rejects.toMatchObject({ code: 'RESTRAINED' });
  expect(gateway.records.at(-1)).toMatchObject({ status: 'gateway-error', error: 'RESTRAINED', principal: 'mallory', attempts: 0 });
  for (let call = 0; call < 20; call++) {
    await gateway.call('say', {}, as('alice'));
    await agent.call('search_tools', { needs: ['say'] }, as('mallory'));
  }
  // Of each the first call; all others could be answered from the cache.
  expect(runs()).toBe(2);
  expect(gateway.records.filter(({ status }) => status === 'gateway-error')).toHaveLength(2);
  clock.advance(60_000);
  await gateway.call('say', {}, as('mallory'));
});
