import { GatewayError, type Clock } from '@signalbox/core';
import { expect, test } from 'vitest';
import { awaitStore } from './await-store.ts';

const AWAY = new GatewayError('STORE_UNAVAILABLE', 'Cannot open the store');

/** A clock on which every pause is over at once. */
function setUp(failures: readonly Error[], waitMs = 30_000) {
  let now = 0;
  const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => undefined };
  const pause = async (ms: number) => void (now += ms);
  const said: string[] = [];
  const say = (message: string) => void said.push(message);
  const logger = { debug: say, info: say, warn: say, error: say, fatal: say, trace: say } as never;
  let attempts = 0;
  const open = async () => {
    const failure = failures[Math.min(attempts++, failures.length - 1)];
    if (failure !== undefined && attempts <= failures.length) throw failure;
    return 'store';
  };
  return { said, now: () => now, attempts: () => attempts, result: () => awaitStore(open, { waitMs, clock, logger, pause }) };
}

test('a store that is there is opened, and nothing is said', async () => {
  const { result, said } = setUp([]);
  expect([await result(), said]).toEqual(['store', []]);
});

test('one that comes is waited for, and that is said once', async () => {
  const { result, said, attempts } = setUp(Array.from({ length: 5 }, () => AWAY));
  expect(await result()).toBe('store');
  expect([attempts(), said]).toEqual([6, ['waits for the store before anything is served', 'the store can be reached now']]);
});

test('one that does not come is given up after the time, with its own reason', async () => {
  const { result, now } = setUp(
    Array.from({ length: 1_000 }, () => AWAY),
    10_000,
  );
  await expect(result()).rejects.toBe(AWAY);
  expect(now()).toBe(10_000);
});

test.each([new GatewayError('INVALID_CONFIG', 'Cannot use the store'), new Error('broken')])(
  'what waiting does not mend is said at once',
  async (error) => {
    const { result, attempts } = setUp([error]);
    await expect(result()).rejects.toBe(error);
    expect(attempts()).toBe(1);
  },
);
