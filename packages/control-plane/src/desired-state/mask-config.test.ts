import { parseGatewayConfig } from '@signalbox/core';
import { expect, test } from 'vitest';
import { maskConfig } from './mask-config.ts';

const masked = (entry: Record<string, unknown>) => maskConfig(parseGatewayConfig({ mcpServers: { a: entry } })).mcpServers['a']!;

test('values of variables and headers are hidden, references stay', () => {
  const env = { A: 'plain', B: { env: 'NAME' }, C: '${env:NAME}', D: '${env:NAME}-and-more', E: '${NAME:-fallback}' };
  expect(masked({ command: 'x', env }).env).toEqual({ A: '***', B: { env: 'NAME' }, C: '${env:NAME}', D: '***', E: '***' });
  const headers = { authorization: 'Bearer ${env:TOKEN}', 'x-other': 'Bearer abc' };
  expect(masked({ url: 'http://localhost/', headers }).headers).toEqual({ authorization: 'Bearer ${env:TOKEN}', 'x-other': '***' });
});

test.each([
  ['https://me:pass@example.com/mcp', 'https://***@example.com/mcp'],
  ['https://example.com/mcp?api_key=abc&page=2#top', 'https://example.com/mcp?api_key=***&page=2#top'],
  ['https://example.com/mcp?token=${env:TOKEN}', 'https://example.com/mcp?token=${env:TOKEN}'],
  ['https://example.com/a@b?q=1', 'https://example.com/a@b?q=1'],
])('the address %s is shown as %s', (url, shown) => {
  expect(masked({ url }).url).toBe(shown);
});

test.each([
  [
    ['--api-key=abc', '--port=1'],
    ['--api-key=***', '--port=1'],
  ],
  [
    ['--token', 'abc', 'def'],
    ['--token', '***', 'def'],
  ],
  [
    ['--token', '--verbose'],
    ['--token', '--verbose'],
  ],
  [
    ['-e', 'GITHUB_TOKEN=abc', '-e', 'HOME=/x'],
    ['-e', 'GITHUB_TOKEN=***', '-e', 'HOME=/x'],
  ],
  [
    ['--header', 'Authorization: Bearer abc'],
    ['--header', 'Authorization: ***'],
  ],
  [
    ['--header', 'Authorization:${env:AUTH}'],
    ['--header', 'Authorization:${env:AUTH}'],
  ],
  [['postgres://me:pass@localhost/db'], ['postgres://***@localhost/db']],
  [
    ['-y', '@scope/server', '/home/me/files'],
    ['-y', '@scope/server', '/home/me/files'],
  ],
])('the arguments %j are shown as %j', (args, shown) => {
  expect(masked({ command: 'x', args }).args).toEqual(shown);
});

test('addresses of stores and headers of exports hide what they carry', () => {
  const config = parseGatewayConfig({
    storage: { url: 'postgres://box:very-secret@db/box' },
    cache: { shared: 'redis://:very-secret@cache:6379' },
    telemetry: {
      traces: { url: 'https://very-secret@collector/v1', headers: { 'x-key': 'very-secret', other: { env: 'KEY' } } },
      metrics: { url: 'https://collector/?api_key=very-secret', headers: {} },
    },
  });
  const masked = maskConfig(config);
  expect(JSON.stringify(masked)).not.toContain('very-secret');
  expect([masked.storage.url, masked.telemetry.traces?.headers['other']]).toEqual(['postgres://***@db/box', { env: 'KEY' }]);
  expect(maskConfig(parseGatewayConfig({})).storage.url).toBe('sqlite:');
});
