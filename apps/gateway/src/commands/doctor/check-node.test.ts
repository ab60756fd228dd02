import { expect, test } from 'vitest';
import { checkNode } from './check-node.ts';

const NOW = Date.UTC(2026, 10, 20);

test.each([
  ['v18.20.0', 'error'],
  ['v20.18.1', 'error'],
  ['v20.19.0', 'warn'],
  ['v22.11.0', 'ok'],
  ['v23.1.0', 'warn'],
  ['v24.0.0', 'ok'],
  ['v40.0.0', 'ok'],
])('Node %s in November 2026 is a finding of level %s', (version, level) => {
  expect(checkNode(version, NOW).level).toBe(level);
});

test('a release without security fixes says since when, and which to install', () => {
  expect(checkNode('v20.20.2', NOW)).toMatchObject({
    message: 'Node v20.20.2 gets no security fixes since 2026-04-30',
    fix: 'Install Node 22 or later',
  });
});
