import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../e2e/support/eventually.ts';
import { startGateway } from '../e2e/support/gateway.ts';
import { startWorkers } from '../e2e/support/workers.ts';
import { META_SERVER, callMeta, openMetaClient } from './support/gateway.ts';

type Line = Readonly<Record<string, unknown>>;

const toLines = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);

test('each call is one line, whatever is in it, and all lines about a call name it', async () => {
  const traces = { url: 'http://127.0.0.1:9', sampleRatio: 0 };
  const config = { mcpServers: { meta: META_SERVER }, log: { calls: true }, telemetry: { traces } };
  await using gateway = await startGateway({ config });
  const client = await openMetaClient(gateway.url);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await callMeta(client, { traceparent: `00-${traceId}-b7ad6b7169203331-00` });
  const evil = 'no\r\nsuch\u001b[31m\u2028tool';
  const { error } = await client.request(
    'tools/call',
    { name: evil, arguments: {} },
    { headers: { 'mcp-name': `=?base64?${Buffer.from(evil).toString('base64')}?=` } },
  );
  const calls = await eventually('both calls are logged', () => {
    const found = toLines(gateway.stderr()).filter(({ msg }) => msg === 'call');
    return found.length === 2 ? found : undefined;
  });
  expect(calls[0]).toMatchObject({
    level: 'info',
    callId: expect.any(String),
    traceId,
    name: 'meta',
    upstream: 'meta',
    status: 'ok',
    attempts: 1,
  });
  expect(calls[1]).toMatchObject({ name: evil, status: 'gateway-error', error: 'UNKNOWN_NAME', callId: (error!.data as Line)['callId'] });
  for (const unsafe of ['\u001b', '\u2028', '\r']) expect(gateway.stderr()).not.toContain(unsafe);
});

test('lines of workers say which one wrote them', async () => {
  await using workers = await startWorkers({ mcpServers: { meta: META_SERVER }, log: { calls: true, file: 'gateway.log' } }, { count: 2 });
  const client = await openMetaClient(workers.url);
  for (let count = 0; count < 8; count++) await callMeta(client);
  const lines = await eventually('all calls are logged', async () => {
    const found = toLines(await readFile(path.join(workers.dataDir, 'gateway.log'), 'utf8')).filter(({ msg }) => msg === 'call');
    return found.length === 8 ? found : undefined;
  });
  expect(new Set(lines.map(({ worker }) => worker))).toEqual(new Set([1, 2]));
});
