import { GatewayError } from '@signalbox/core';
import { describe, expect, test } from 'vitest';
import { toEntry, warningsOf } from './add.ts';

const none = { env: [], header: [] };

describe('the entry', () => {
  test('of a command has its arguments, variables and an absolute folder', () => {
    const entry = toEntry({ target: ['node', 'server.js', '-x'], env: ['A=1', 'B=x=y'], header: [], cwd: 'sub' }, '/home/me');
    expect(entry).toEqual({ command: 'node', args: ['server.js', '-x'], env: { A: '1', B: 'x=y' }, cwd: '/home/me/sub' });
  });

  test('of an address has its headers, in both ways people write them', () => {
    const entry = toEntry({ target: ['https://example.com/mcp'], env: [], header: ['X-One=1', 'Authorization: Bearer ${env:T}'] }, '/');
    expect(entry).toEqual({ url: 'https://example.com/mcp', headers: { 'X-One': '1', Authorization: 'Bearer ${env:T}' } });
  });

  test('of a WebSocket is an address like any other', () => {
    expect(toEntry({ target: ['wss://example.com/mcp'], ...none }, '/')).toEqual({ url: 'wss://example.com/mcp' });
  });

  test.each([
    [{ target: ['https://example.com/mcp', 'more'], ...none }, /address with arguments/],
    [{ target: ['https://example.com/mcp'], env: ['A=1'], header: [] }, /are for commands/],
    [{ target: ['node'], env: [], header: ['A=1'] }, /is for addresses/],
    [{ target: ['node'], env: ['A'], header: [] }, /name=value/],
    [{ target: ['node'], env: ['1A=x'], header: [] }, /name=value/],
  ])('is refused as bad usage for %j', (options, message) => {
    expect(() => toEntry(options, '/')).toThrow(
      expect.objectContaining({ code: 'INVALID_PARAMS', message: expect.stringMatching(message) }),
    );
  });

  test('is refused without showing the secret in it', () => {
    const attempt = () => toEntry({ target: ['node'], env: ['1KEY=hunter2'], header: [] }, '/');
    expect(attempt).toThrow(GatewayError);
    expect(attempt).not.toThrow(/hunter2/);
  });
});

describe('warnings', () => {
  test('name a package without a version, and what to write', () => {
    expect(warningsOf({ command: 'npx', args: ['-y', '@scope/server@latest'] })).toEqual([
      expect.stringContaining('write "@scope/server@<version>"'),
    ]);
  });

  test('name each place of a secret and never the secret', () => {
    const secret = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
    const warnings = warningsOf({ command: 'node', args: ['--token', secret], env: { API_KEY: secret } });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain(secret);
    expect(warnings.join()).toContain("--env 'API_KEY=${env:API_KEY}'");
  });

  test('are silent about references', () => {
    expect(warningsOf({ command: 'node', env: { API_KEY: '${env:API_KEY}' } })).toEqual([]);
    expect(warningsOf({ url: 'https://example.com/', headers: { Authorization: 'Bearer ${env:TOKEN}' } })).toEqual([]);
  });
});
