import { parseGatewayConfig } from '@signalbox/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffConfig, isEmptyDiff, renderDiff } from './diff-config.ts';

const server = (extra: Record<string, unknown> = {}) => ({ command: 'node', ...extra });
const config = (mcpServers: Record<string, unknown>, extra: Record<string, unknown> = {}) => parseGatewayConfig({ mcpServers, ...extra });

test('each upstream is added, removed, changed or unchanged', () => {
  const diff = diffConfig(
    config({ a: server(), b: server(), c: server() }),
    config({ d: server(), b: server({ args: ['x'] }), c: server() }),
  );
  expect(diff).toMatchObject({ added: ['d'], removed: ['a'], changed: ['b'], unchanged: ['c'], isReordered: false, needsRestart: [] });
  expect(renderDiff(diff)).toEqual(['+ mcpServers.d', '- mcpServers.a', '~ mcpServers.b.args: [] → ["x"]']);
});

test('a default that is written out is no change', () => {
  expect(isEmptyDiff(diffConfig(config({ a: server() }), config({ a: server({ timeouts: { callMs: 300_000 } }) })))).toBe(true);
});

test('another order is a change', () => {
  const diff = diffConfig(config({ a: server(), b: server() }), config({ b: server(), a: server() }));
  expect(diff).toMatchObject({ unchanged: ['b', 'a'], isReordered: true });
  expect(renderDiff(diff)).toEqual(['~ mcpServers: another order']);
});

test('settings that are read at start are named, the others are not', () => {
  const diff = diffConfig(config({}), config({}, { listen: { port: 9000 }, limits: { maxDepth: 32 }, instructions: 'Hello' }));
  expect(diff.needsRestart).toEqual(['listen.port', 'limits.maxDepth']);
  expect(renderDiff(diff)).toEqual([
    '~ listen.port: 7420 → 9000 (after a restart of the gateway)',
    '~ limits.maxDepth: 64 → 32 (after a restart of the gateway)',
    '~ instructions: (not set) → "Hello"',
  ]);
});

test('a changed secret is seen and not shown, a reference is shown', () => {
  const diff = diffConfig(
    config({ a: server({ env: { KEY: 'old-secret' } }), b: { url: 'http://localhost/', headers: { 'x-key': 'old-secret' } } }),
    config({ a: server({ env: { KEY: 'new-secret' } }), b: { url: 'http://localhost/', headers: { 'x-key': { env: 'B_KEY' } } } }),
  );
  const text = renderDiff(diff);
  expect(text).toEqual(['~ mcpServers.a.env.KEY: "***" → "***"', '~ mcpServers.b.headers.x-key: "***" → {"env":"B_KEY"}']);
  expect(JSON.stringify(diff)).not.toContain('secret');
});

test('comparing with itself finds nothing; comparing backwards finds the mirror image', () => {
  const entry = fc.record({ command: fc.constantFrom('a', 'b'), args: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }) });
  const servers = fc.dictionary(fc.constantFrom('a', 'b.c', 'd', 'e'), entry);
  fc.assert(
    fc.property(servers, servers, (left, right) => {
      const [before, after] = [config(left), config(right)];
      expect(isEmptyDiff(diffConfig(before, before))).toBe(true);
      const [there, back] = [diffConfig(before, after), diffConfig(after, before)];
      expect([...back.added].toSorted()).toEqual([...there.removed].toSorted());
      expect([...back.changed].toSorted()).toEqual([...there.changed].toSorted());
      expect(back.isReordered).toBe(there.isReordered);
      expect([...there.added, ...there.changed, ...there.unchanged].toSorted()).toEqual(Object.keys(right).toSorted());
      expect(isEmptyDiff(there)).toBe(JSON.stringify(before) === JSON.stringify(after));
      expect(there.changed.length > 0).toBe(there.settings.length > 0);
    }),
  );
});
