import { expect, test } from 'vitest';
import { createCallRecord } from '../testing/call-record.ts';
import { shapesOf } from './spans.ts';

const options = { clientTransport: 'tcp', upstreamTransport: 'pipe' } as const;

test('a span says what its client asked for, and one inside what the upstream was asked for', () => {
  const { server, client } = shapesOf(createCallRecord({ name: 'other__echo', server: 'office' }), options);
  expect(server).toMatchObject({
    name: 'tools/call other__echo',
    kind: 'server',
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
    name: 'tools/call echo',
    kind: 'client',
    attributes: { 'gen_ai.tool.name': 'echo', 'network.transport': 'pipe', 'signalbox.attempts': 1 },
  });
});

test('what failed says how', () => {
  const shapeOf = (more: object) => shapesOf(createCallRecord(more), options).server;
  expect(shapeOf({ status: 'gateway-error', error: 'UNKNOWN_NAME' })).toMatchObject({
    isError: true,
    attributes: { 'error.type': 'UNKNOWN_NAME' },
  });
  expect(shapeOf({ status: 'tool-error' })).toMatchObject({ isError: true, attributes: { 'error.type': 'tool_error' } });
  expect(shapeOf({ status: 'rpc-error', error: '-32602' }).attributes).toMatchObject({
    'error.type': '-32602',
    'rpc.response.status_code': '-32602',
  });
});

test('addresses of resources are no part of a name, and lose what may be a credential', () => {
  const name = 'https://user:secret@host/path?token=secret#secret';
  const { server } = shapesOf(createCallRecord({ method: 'resources/read', name }), options);
  expect(server).toMatchObject({ name: 'resources/read', attributes: { 'mcp.resource.uri': 'https://host/path' } });
  expect(JSON.stringify(server)).not.toContain('secret');
});
