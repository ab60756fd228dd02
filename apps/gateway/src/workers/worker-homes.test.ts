import { expect, test, vi } from 'vitest';
import type { PassedRequest } from '@signalbox/protocol';
import type { Report } from './messages.ts';
import { WorkerHomes } from './worker-homes.ts';

const tag = 'x'.repeat(22);

function createSetup(options: { readonly reachable?: readonly string[] } = {}) {
  const reports: Report[] = [];
  const passed: string[] = [];
  const relay = {
    pass: (home: string, _: PassedRequest, onUnreachable: () => void) => {
      passed.push(home);
      if (options.reachable?.includes(home) === false) onUnreachable();
    },
    tell: async () => undefined,
    close: () => undefined,
  };
  const homes = new WorkerHomes({ own: '2', slots: 3, relay, send: (report) => reports.push(report) });
  homes.follow({
    kind: 'living',
    workers: [
      [0, '1'],
      [1, '2'],
      [2, '3'],
    ],
  });
  const answer = (home: string | undefined) => {
    const asked = reports.findLast((report) => report.kind === 'ask')!;
    homes.follow({ kind: 'answer', number: asked.number, home });
  };
  return { homes, reports, passed, answer };
}

test('an id leads to the living worker it names, and to nobody else when that is oneself', () => {
  const { homes, reports } = createSetup();
  expect(homes.find(`3.s1.${tag}`)).toBe('3');
  expect(homes.find(`2.s1.${tag}`)).toBeUndefined();
  expect(reports).toEqual([]);
});

test('an id of a worker that is gone is asked for once', async () => {
  const { homes, reports, answer } = createSetup();
  const found = homes.find(`9.s1.${tag}`);
  expect(reports).toEqual([{ kind: 'ask', number: 1, id: tag, home: '9' }]);
  answer('3');
  expect(await found).toBe('3');
  expect(homes.find(`9.s1.${tag}`)).toBe('3');
});

test('an id that was ended is refused', async () => {
  const { homes, answer } = createSetup();
  const found = homes.find(`9.s1.${tag}`) as Promise<unknown>;
  answer(undefined);
  await expect(found).rejects.toMatchObject({ code: 'SESSION_NOT_FOUND' });
});

test('where something has moved is asked anew when that worker is gone, too', async () => {
  const { homes, reports, answer } = createSetup();
  const found = homes.find(`9.s1.${tag}`);
  answer('3');
  await found;
  homes.follow({
    kind: 'living',
    workers: [
      [0, '1'],
      [1, '2'],
    ],
  });
  void homes.find(`9.s1.${tag}`);
  expect(reports).toHaveLength(2);
});

test('a key leads to the same worker from everywhere, and to none while that is away', () => {
  const { homes } = createSetup();
  const keys = Array.from({ length: 50 }, (_, index) => `key ${index}`);
  const found = keys.map((key) => homes.findKey(key));
  expect(new Set(found)).toEqual(new Set(['1', '3', undefined]));
  homes.follow({
    kind: 'living',
    workers: [
      [0, '1'],
      [1, '2'],
    ],
  });
  const lost = keys.filter((_, index) => found[index] === '3');
  for (const key of lost) expect(() => homes.findKey(key)).toThrow('is being started');
  homes.follow({
    kind: 'living',
    workers: [
      [0, '1'],
      [1, '2'],
      [2, '4'],
    ],
  });
  for (const key of lost) expect(homes.findKey(key)).toBe('4');
});

test('a request that reaches nobody is served here when this worker is the new home', async () => {
  const { homes, passed, answer } = createSetup({ reachable: [] });
  const served = new Promise<void>((resolve) => {
    homes.relay('3', { id: `3.s1.${tag}`, serve: resolve } as PassedRequest);
  });
  expect(passed).toEqual(['3']);
  homes.follow({
    kind: 'living',
    workers: [
      [0, '1'],
      [1, '2'],
    ],
  });
  await vi.waitFor(() => answer('2'));
  await served;
  expect(passed).toEqual(['3']);
});
