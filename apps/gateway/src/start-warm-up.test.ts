import { Cancellation, silentLogger, type Logger, type UpstreamStatus } from '@signalbox/core';
import { expect, test } from 'vitest';
import { startWarmUp } from './start-warm-up.ts';

function createSetup(inFlight: () => number = () => 0) {
  const said: { readonly message: string; readonly fields: unknown }[] = [];
  const logger: Logger = { ...silentLogger, debug: (message, fields) => said.push({ message, fields }) };
  const end = new Cancellation();
  const upstream = () => ({ inFlight: inFlight() }) as UpstreamStatus;
  const status = { upstreams: () => [upstream()], virtualServers: () => [], sessions: () => ({ open: 0, streams: 0 }) };
  return { said, end, options: { gateway: { info: { name: 'test', version: '1' }, status }, logger, end } };
}

const countSockets = () => process.getActiveResourcesInfo().filter((name) => /TCP|Pipe.*Server/.test(name)).length;

test('all its calls are answered, and nothing of it is left', async () => {
  const before = countSockets();
  const { said, options } = createSetup();
  await startWarmUp(options, {});
  expect(said).toEqual([{ message: 'warmed up', fields: { rounds: expect.any(Number) as number, ms: expect.any(Number) as number } }]);
  expect((said[0]!.fields as { readonly rounds: number }).rounds).toBeGreaterThanOrEqual(10);
  await expect.poll(countSockets).toBe(before);
});

test('it waits while the gateway has calls to answer, and ends when the gateway does', async () => {
  let asked = 0;
  const { said, end, options } = createSetup(() => ++asked);
  const warm = startWarmUp(options, {});
  await expect.poll(() => asked).toBeGreaterThan(2);
  end.cancel('the gateway ends');
  await warm;
  expect(said).toEqual([{ message: 'warmed up', fields: { rounds: 0, ms: expect.any(Number) as number } }]);
});

test('one that is to end has nothing to wait for', async () => {
  const { said, end, options } = createSetup();
  const warm = startWarmUp(options, {});
  end.cancel('the gateway ends');
  await warm;
  expect(said).toEqual([]);
});

test('the environment can turn it off', async () => {
  const { said, options } = createSetup();
  await startWarmUp(options, { SIGNALBOX_WARM_UP: 'off' });
  expect(said).toEqual([]);
});
