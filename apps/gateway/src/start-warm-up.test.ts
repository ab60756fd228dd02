import { Cancellation, silentLogger, type Logger, type UpstreamStatus } from '@signalbox/core';
import { expect, test } from 'vitest';
import { startWarmUp } from './start-warm-up.ts';

interface Observed {
  calls?: number;
  inFlight?: number;
  sessions?: number;
}

function createSetup(observe: () => Observed = () => ({})) {
  const said: { readonly message: string; readonly fields: unknown }[] = [];
  const logger: Logger = { ...silentLogger, debug: (message, fields) => said.push({ message, fields }) };
  const end = new Cancellation();
  const status = {
    upstreams: () => {
      const { calls = 0, inFlight = 0 } = observe();
      return [{ calls, inFlight } as UpstreamStatus];
    },
    virtualServers: () => [],
    sessions: () => ({ open: observe().sessions ?? 0, streams: 0 }),
  };
  return { said, end, options: { gateway: { info: { name: 'test', version: '1' }, status }, logger, end } };
}

const countResources = () => process.getActiveResourcesInfo().filter((name) => /TCP|Pipe.*Server|MessagePort|Worker/.test(name)).length;
const anyNumber = expect.any(Number) as number;

test('all its calls are answered, and nothing of it is left', async () => {
  const before = countResources();
  const { said, options } = createSetup();
  await startWarmUp(options, {});
  expect(said).toEqual([{ message: 'warmed up', fields: { rounds: anyNumber, ms: anyNumber } }]);
  expect((said[0]!.fields as { readonly rounds: number }).rounds).toBeGreaterThanOrEqual(10);
  await expect.poll(countResources).toBe(before);
});

test('it waits while the gateway has calls to answer, and ends when the gateway does', async () => {
  let isWarming = false;
  let asked = 0;
  const { said, end, options } = createSetup(() => {
    asked++;
    return isWarming ? { inFlight: 1 } : {};
  });
  const warm = startWarmUp(options, {});
  await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThanOrEqual(12);
  isWarming = true;
  const before = asked;
  await expect.poll(() => asked, { timeout: 5_000 }).toBeGreaterThan(before + 2);
  end.cancel('the gateway ends');
  await warm;
  expect(said).toEqual([{ message: 'warmed up', fields: { rounds: 0, ms: anyNumber } }]);
});

test.each([
  ['sessions come and go', (look: number): Observed => ({ sessions: look })],
  ['calls come', (look: number): Observed => ({ calls: look })],
])('it does not begin while %s', async (_, observe) => {
  let looks = 0;
  const { said, end, options } = createSetup(() => observe(++looks));
  const warm = startWarmUp(options, {});
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  end.cancel('the gateway ends');
  await warm;
  expect(looks).toBeGreaterThan(10);
  expect(said).toEqual([]);
});

test('a gateway with enough calls of its own needs none', async () => {
  const { said, options } = createSetup(() => ({ calls: 2_000 }));
  await startWarmUp(options, {});
  expect(said).toEqual([]);
});

test('the environment can turn it off', async () => {
  const { said, options } = createSetup();
  await startWarmUp(options, { SIGNALBOX_WARM_UP: 'off' });
  expect(said).toEqual([]);
});
