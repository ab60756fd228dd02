import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { RawJson } from '@signalbox/core';
import { until } from '../testing/http.ts';
import { createTestHandler } from '../testing/test-handler.ts';
import { serveStdio } from './stdio-server.ts';
import { createTestSeal } from '../testing/test-seal.ts';

function start(handler = createTestHandler()) {
  const input = new PassThrough();
  const output = new PassThrough();
  let text = '';
  output.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const server = serveStdio({ handler, seal: createTestSeal(), input, output, limits: { maxMessageBytes: 1000, maxDepth: 32 } });
  return { handler, server, input, output, lines: () => text.split('\n').slice(0, -1) };
}

const INITIALIZE = '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}\n';

test('requests are lines, in whatever pieces they arrive', async () => {
  const it = start();
  const text = `${INITIALIZE}\r\n\n{"jsonrpc":"2.0","id":"ü","method":"ping"}\r\n{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n`;
  for (const byte of Buffer.from(text)) it.input.write(Buffer.from([byte]));
  await until(() => it.lines().length === 3, 'all are answered');
  expect(it.lines().map((line) => (JSON.parse(line) as { id: unknown }).id)).toEqual([0, 'ü', 2]);
});

test('a malformed line is answered and passed over', async () => {
  const it = start();
  it.input.write(`not json\n${INITIALIZE}`);
  await until(() => it.lines().length === 2, 'both are answered');
  expect(it.lines().map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { id: null, error: { code: -32700 } },
    { id: 0, result: {} },
  ]);
});

test('an oversize line is answered and ends the conversation', async () => {
  const it = start();
  it.input.write(INITIALIZE);
  it.input.write('x'.repeat(1001));
  expect(await it.server.closed).toBe('Cannot read a line of more than 1000 bytes');
  it.input.write(`\n${INITIALIZE}`);
  await until(() => it.lines().length === 2, 'both are answered');
  expect(JSON.parse(it.lines()[1]!)).toMatchObject({ id: null, error: { code: -32600, data: { reason: 'TOO_LARGE' } } });
  expect(it.handler.watchers).toBe(0);
});

test('an answer is one line, also when the result has line ends', async () => {
  const result = RawJson.fromBytes(Buffer.from('{\r\n  "n": 9007199254740993,\n  "text": "a\\nb"\n}'));
  const it = start(createTestHandler(() => ({ kind: 'result', result, resultType: 'complete', isError: false, revision: '2025-11-25' })));
  it.input.write(`${INITIALIZE}{"jsonrpc":"2.0","id":1,"method":"x"}\n`);
  await until(() => it.lines().length === 2, 'both are answered');
  expect(it.lines()[1]).toBe('{"jsonrpc":"2.0","id":1,"result":{    "n": 9007199254740993,   "text": "a\\nb" }}');
});

test('the end of the input ends the conversation, and closing flushes what was said', async () => {
  const ended = start();
  ended.input.end(`${INITIALIZE}{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"hang"}}\n`);
  expect(await ended.server.closed).toBe('The client closed its end');
  expect(ended.handler.cancelled).toEqual(['The client closed its end']);

  const closing = start();
  closing.input.write(INITIALIZE);
  await until(() => closing.lines().length === 1, 'it is answered');
  await closing.server.close();
  await closing.server.close();
  expect(await closing.server.closed).toBe('We closed it');
});

test('a client that has gone away ends the conversation', async () => {
  const it = start();
  it.output.destroy(new Error('EPIPE'));
  expect(await it.server.closed).toBe('Cannot write to the client: EPIPE');
});
