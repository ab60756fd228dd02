import { expect, test } from 'vitest';
import { IDEMPOTENCY_KEY } from '@signalbox/core';
import { decodeStrict, type Message } from '../messages/message.ts';
import { send } from '../testing/http.ts';
import { createTestHandler } from '../testing/test-handler.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import { createHttpServer } from './http-server.ts';
import { adoptIdempotencyKey } from './idempotency-header.ts';

function message(meta?: object, method = 'tools/call'): Message {
  const body = { jsonrpc: '2.0', id: 1, method, params: { name: 'pay', ...(meta && { _meta: meta }) } };
  return decodeStrict(Buffer.from(JSON.stringify(body)), { maxDepth: 32 });
}

const metaOf = (message: Message) => (message.kind === 'request' ? message.params.get('_meta')?.value : undefined);

test.each([
  ['"8e03978e-40d5-43dd"', '8e03978e-40d5-43dd'],
  ['8e03978e-40d5-43dd', '8e03978e-40d5-43dd'],
  [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
  ['"a', '"a'],
])('the header %s names the key %s', (header, key) => {
  expect(metaOf(adoptIdempotencyKey(message(), header))).toEqual({ [IDEMPOTENCY_KEY]: key });
  expect(metaOf(adoptIdempotencyKey(message({ other: 1 }), header))).toEqual({ other: 1, [IDEMPOTENCY_KEY]: key });
});

test.each(['', '""', '"a b"', 'a b', 'one, two', 'é', `"${'x'.repeat(256)}"`])('the header %j names no key and is refused', (header) => {
  expect(() => adoptIdempotencyKey(message(), header)).toThrow(expect.objectContaining({ code: 'INVALID_PARAMS' }));
});

test('a header and a body that name two keys are refused, and one key twice is one key', () => {
  const said = message({ [IDEMPOTENCY_KEY]: 'k1' });
  expect(adoptIdempotencyKey(said, '"k1"')).toBe(said);
  expect(() => adoptIdempotencyKey(said, '"k2"')).toThrow(expect.objectContaining({ code: 'HEADER_MISMATCH' }));
  expect(() => adoptIdempotencyKey(message({ [IDEMPOTENCY_KEY]: 7 }), '"7"')).toThrow(expect.objectContaining({ code: 'HEADER_MISMATCH' }));
});

test('on anything but a call of a tool the header means nothing', () => {
  const listing = message(undefined, 'tools/list');
  expect(adoptIdempotencyKey(listing, 'a b')).toBe(listing);
});

test('clients of both generations may send the header', async () => {
  const handler = createTestHandler();
  await using server = Object.assign(
    createHttpServer({
      seal: createTestSeal(),
      handler,
      port: 0,
      limits: { maxMessageBytes: 100_000, maxDepth: 32 },
      sessions: { idleSeconds: 60, max: 10, maxAgeSeconds: 3600 },
    }),
    { [Symbol.asyncDispose]: () => server.close(0) },
  );
  const { url } = await server.listen();
  const modern = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: {} } };
  const headers = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'echo', 'Idempotency-Key': '"k-1"' };
  await send(url, { headers, body: { ...call, params: { ...call.params, _meta: modern } } });
  const initialize = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
  const opened = await send(url, { body: { jsonrpc: '2.0', id: 0, method: 'initialize', params: initialize } });
  await send(url, { headers: { 'Mcp-Session-Id': String(opened.headers['mcp-session-id']), 'Idempotency-Key': 'k-2' }, body: call });
  expect(handler.requests.map(({ params }) => params.get('_meta')?.object?.[IDEMPOTENCY_KEY])).toEqual(['k-1', 'k-2']);

  const refused = await send(url, {
    headers: { ...headers, 'Idempotency-Key': 'two words' },
    body: { ...call, params: { ...call.params, _meta: modern } },
  });
  expect(refused.status).toBe(400);
  expect(refused.messages[0]).toMatchObject({
    id: 1,
    error: { code: -32602, message: expect.stringContaining('idempotency key') as unknown },
  });
});
