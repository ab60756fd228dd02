import { silentLogger } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createMemoryFile } from '../testing/memory-file.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { followState } from './follow-state.ts';
import { openState } from './open-state.ts';

const owner = { by: 'local', isOwner: true };
const fileText = '{ "mcpServers": { "a": { "command": "x" } } }';

test('what one process decides another makes its own, and keeps the objects that are unchanged', async () => {
  const lead = await openState({ store: createMemoryStore(), file: createMemoryFile(fileText) });
  const led = followState({ initial: undefined, fileText, path: '/etc/signalbox.json' });
  lead.watch(() => led.take(lead.toText()));
  const before = led.current.upstreams.get('a');
  await lead.change({ operations: [{ op: 'set', path: 'mcpServers.b', value: { command: 'y' } }] }, owner);
  expect(led.current).toEqual(lead.current);
  expect(led.current.upstreams.get('a')).toBe(before);
  await lead.restart('a', owner);
  expect(led.current.upstreams.get('a')?.generation).toBe(1);
  expect(followState({ initial: lead.toText(), fileText: '{}', path: '/etc/signalbox.json' }).current).toEqual(lead.current);
});

test('what cannot be understood is logged, and what was wanted stays', () => {
  const errors: string[] = [];
  const logger = { ...silentLogger, error: (message: string) => void errors.push(message) };
  const led = followState({ initial: undefined, fileText, path: '/etc/signalbox.json', logger });
  const { current } = led;
  led.take('{}');
  expect([led.current, errors.length]).toEqual([current, 1]);
});
