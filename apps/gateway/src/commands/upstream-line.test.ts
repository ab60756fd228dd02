import { expect, test } from 'vitest';
import { createPaint } from '../terminal/paint.ts';
import { adviceFor, failureDetails, leftOutText, offerText, reasonText } from './upstream-line.ts';

const status = {
  name: 'git (hub)',
  kind: 'stdio',
  state: 'failed',
  reason: 'not started',
  since: '2026-11-20T12:00:00.000Z',
  revision: undefined,
  server: undefined,
  tags: [],
  capabilities: ['tools'],
  pid: undefined,
  tools: 0,
  resources: 0,
  prompts: 0,
  leftOut: [],
  starts: 1,
  calls: 0,
  failures: 0,
  isolated: 0,
  openedAhead: 0,
  usedAhead: 0,
  inFlight: 0,
  queued: 0,
  breaker: 'closed',
  stderr: [],
} as const;

test.each([
  ['Cannot start upstream "git (hub)": there is no program "x" in PATH "/a:/b"', 'there is no program "x" on PATH'],
  ['Cannot start "git (hub)": it needs the environment variable "T"', 'it needs the environment variable "T"'],
  ['Cannot reach upstream "other": gone', 'Cannot reach upstream "other": gone'],
  ['two\nlines \u001B[31mred\u001B[0m', 'two lines red'],
])('the reason %j is told as %j', (reason, told) => {
  expect(reasonText({ ...status, reason })).toBe(told);
});

test.each([
  [{ reason: 'there is no program "x"' }, /Install it/],
  [{ reason: 'its folder "/x" does not exist' }, /Create the folder/],
  [{ reason: 'it needs the environment variable "T", which is not set' }, /Set it/],
  [{ kind: 'http', reason: 'the connection was refused' }, /Check "url"/],
  [{ kind: 'http', reason: 'it answered with status 401' }, /credentials/],
  [{ kind: 'websocket', reason: 'the connection was refused; nothing listens there' }, /Check "url"/],
  [{ kind: 'sse', reason: 'y has no MCP server at this address (HTTP 405); check the path of "url"' }, /take "type" out/],
  [{ kind: 'http', reason: 'y has no MCP server at this address (HTTP 405); check the path of "url"' }, /address of an MCP server/],
  [{ kind: 'sse', reason: 'no useful answer to the handshake in 30000 ms' }, /an MCP server; a slow one/],
  [{ kind: 'module', reason: 'Cannot load module "x": not found' }, /Install the package/],
  [{ reason: 'no useful answer to the handshake in 30000 ms' }, /handshakeMs/],
  [{ reason: 'the process exited with code 1', stderr: ['oh no'] }, /signalbox logs 'git \(hub\)'/],
  [{ reason: 'the process exited with code 1' }, /by hand/],
] as const)('for %j there is advice that fits', (change, advice) => {
  expect(adviceFor({ ...status, ...change })).toMatch(advice);
});

test('a failed upstream is told with the last line it wrote, made safe and not too long', () => {
  const [words] = failureDetails({ ...status, stderr: ['first', `\u001B[2Jlast ${'x'.repeat(300)}`, '  '] }, createPaint(false));
  expect(words).toMatch(/^stderr: last x+…$/);
  expect(words!.length).toBeLessThan(180);
});

test('what an upstream offers leaves out what it has none of', () => {
  expect(offerText({ ...status, tools: 1, prompts: 4 })).toBe('1 tool, 4 prompts');
  expect(offerText(status)).toBe('nothing to offer');
});

test('what is not offered on is told with the reason of the first, made safe', () => {
  expect(leftOutText(status)).toBeUndefined();
  const leftOut = [
    { kind: 'tool', name: 'a\u001B[2J\n', reason: '"x-mcp-header" at "b" is empty' },
    { kind: 'prompt', name: 'c', reason: 'other' },
  ] as const;
  expect(leftOutText({ leftOut: leftOut.slice(1) })).toBe('its prompt "c" is left out: other');
  expect(leftOutText({ leftOut })).toMatch(/^its tool "a *" is left out: "x-mcp-header" at "b" is empty \(and 1 more; the log has them\)$/);
});
