import { expect, test } from 'vitest';
import { TRACE, createCallRecord } from '../testing/call-record.ts';
import { spansOf } from './spans.ts';

const options = { clientTransport: () => 'tcp' as const, upstreamTransport: () => 'pipe' as const };

test('a call is a span of its own within that of its client, with what the upstream did inside', () => {
  const [server, client] = spansOf(createCallRecord({ trace: TRACE, name: 'other__echo', server: 'office' }), options);
  expect(server).toMatchObject({
    traceId: TRACE.traceId,
    spanId: TRACE.spanId,
    parentSpanId: TRACE.parentSpanId,
    name: 'tools/call other__echo',
    kind: 'server',
    startMs: 1_700_000_000_000,
    endMs: 1_700_000_000_010,
    isError: false,
    attributes: {
      'mcp.method.name': 'tools/call',
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'other__echo',
      'network.transport': 'tcp',
      'signalbox.server': 'office',
    },
  });
  expect(client).toMatchObject({
    spanId: TRACE.upstreamSpanId,
    parentSpanId: TRACE.spanId,
    name: 'tools/call echo',
    kind: 'client',
    startMs: 1_700_000_000_001,
    endMs: 1_700_000_000_009,
    attributes: { 'gen_ai.tool.name': 'echo', 'network.transport': 'pipe', 'signalbox.attempts': 1 },
  });
});

test('what was not sent has one span, and what failed says how', () => {
  const record = createCallRecord({ trace: TRACE, sentAfterMs: undefined, status: 'gateway-error', error: 'UNKNOWN_NAME' });
  expect(spansOf(record, options)).toMatchObject([{ isError: true, attributes: { 'error.type': 'UNKNOWN_NAME' } }]);
  const [failed] = spansOf(createCallRecord({ trace: TRACE, status: 'tool-error' }), options);
  expect(failed).toMatchObject({ isError: true, attributes: { 'error.type': 'tool_error' } });
  const [refused] = spansOf(createCallRecord({ trace: TRACE, status: 'rpc-error', error: '-32602' }), options);
  expect(refused!.attributes).toMatchObject({ 'error.type': '-32602', 'rpc.response.status_code': '-32602' });
  expect(spansOf(createCallRecord(), options)).toEqual([]);
});

test('addresses of resources are no part of a name, and lose what may be a credential', () => {
  const name = 'https://user:secret@host/path?token=secret#secret';
  const [server] = spansOf(createCallRecord({ trace: TRACE, method: 'resources/read', name }), options);
  expect(server).toMatchObject({ name: 'resources/read', attributes: { 'mcp.resource.uri': 'https://host/path' } });
  expect(JSON.stringify(server)).not.toContain('secret');
});
