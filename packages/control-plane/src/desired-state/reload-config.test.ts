import { parseGatewayConfig } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createDesiredState } from './desired-state.ts';
import { createReload } from './reload-config.ts';

const config = (port: number) => parseGatewayConfig({ listen: { port } });

test('reloads asked for at once run one after the other, and a failed one holds up none', async () => {
  const state = createDesiredState({ initial: config(1) });
  const answers: (() => Promise<ReturnType<typeof config>>)[] = [
    () => new Promise((resolve) => setImmediate(() => resolve(config(2)))),
    () => Promise.reject(new Error('unreadable')),
    () => Promise.resolve(config(3)),
  ];
  const reload = createReload({ load: () => answers.shift()!(), state });
  const [first, second, third] = await Promise.allSettled([reload('a'), reload('b'), reload('c')]);
  expect([first?.status, second?.status, third?.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(state.current).toMatchObject({ version: 3, config: { listen: { port: 3 } } });
});
