import { expect, test } from 'vitest';
import { isSameServer } from './same-server.ts';
import { isSignalboxEntry } from './self-entry.ts';

const npx = { command: 'npx', args: ['-y', 'server'] };

test.each([
  ['equal commands', npx, { command: 'npx', args: ['-y', 'server'] }, true],
  ['other arguments', npx, { command: 'npx', args: ['-y', 'other'] }, false],
  ['one argument more', npx, { command: 'npx', args: ['-y', 'server', 'x'] }, false],
  ['variables one of them lacks', { ...npx, env: { A: '1' } }, npx, true],
  ['variables that differ', { ...npx, env: { A: '1' } }, { ...npx, env: { A: '2' } }, false],
  ['a reference for a value', { ...npx, env: { A: '${env:A}' } }, { ...npx, env: { A: '2' } }, true],
  ['a reference as an object', { ...npx, env: { A: { env: 'A' } } }, { ...npx, env: { A: '2' } }, true],
  ['two references', { ...npx, env: { A: '${env:A}' } }, { ...npx, env: { A: '${env:B}' } }, false],
  ['a reference within', { url: 'https://x?k=${env:K}&z' }, { url: 'https://x?k=abc&z' }, true],
  ['a reference that cannot fit', { url: 'https://x?k=${env:K}&z' }, { url: 'https://x?k=abc&y' }, false],
  ['headers of another case', { url: 'u', headers: { A: '1' } }, { url: 'u', headers: { a: '2' } }, false],
  ['a slash at the end', { url: 'https://x/mcp/' }, { url: 'https://x/mcp' }, true],
  ['folders that differ', { ...npx, cwd: '/a' }, { ...npx, cwd: '/b' }, false],
  ['a command and an address', npx, { url: 'https://x' }, false],
])('%s', (_, left, right, expected) => {
  expect(isSameServer(left, right)).toBe(expected);
  expect(isSameServer(right, left)).toBe(expected);
});

test.each([
  [{ command: '/opt/bin/signalbox', args: ['stdio'] }, true],
  [{ command: 'node', args: ['/x/bin/signalbox.js', 'stdio', '--config', 'y'] }, true],
  [{ command: 'npx', args: ['-y', 'signalbox@1.2.0', 'stdio'] }, true],
  [{ command: 'C:\\bin\\signalbox.cmd', args: ['stdio'] }, true],
  [{ url: 'http://localhost:7420/mcp/' }, true],
  [{ url: 'ws://localhost:7420/mcp' }, true],
  [{ type: 'sse', url: 'http://127.0.0.1:7420/sse' }, true],
  [{ type: 'sse', url: 'http://127.0.0.1:7421/sse' }, false],
  [{ command: 'npx', args: ['mcp-remote', 'http://[::1]:7420/mcp'] }, true],
  [{ name: 'signalbox', url: 'http://127.0.0.1:9000/mcp' }, true],
  [{ name: 'other', url: 'http://127.0.0.1:9000/mcp' }, false],
  [{ command: 'npx', args: ['@modelcontextprotocol/server-everything', 'stdio'] }, false],
  [{ command: 'cat', args: ['signalbox'] }, false],
])('%j points at Signalbox: %s', (entry, expected) => {
  expect(isSignalboxEntry(entry, 'http://127.0.0.1:7420/mcp')).toBe(expected);
});
