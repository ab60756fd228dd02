import { expect, test } from 'vitest';
import { eventually } from '../e2e/support/eventually.ts';
import { startGateway } from '../e2e/support/gateway.ts';
import { META_SERVER, callMeta, load, openMetaClient } from './support/gateway.ts';
import { startOtlpReceiver } from './support/otlp-receiver.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const configOf = (telemetry: object) => ({ mcpServers: { meta: META_SERVER }, telemetry });

test('one trace goes from the client through the gateway to the upstream', async () => {
  await using collector = await startOtlpReceiver();
  const traces = { url: collector.url, headers: { 'x-key': { env: 'COLLECTOR_KEY' } } };
  await using gateway = await startGateway({ config: configOf({ traces }), env: { COLLECTOR_KEY: 'open sesame' } });
  const client = await openMetaClient(gateway.url);
  const seen = await callMeta(client, { traceparent: `00-${TRACE_ID}-${PARENT}-01`, tracestate: 'vendor=1', baggage: 'a=b' });
  const [server, upstream] = await eventually('both spans have arrived', () => {
    const spans = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
    return spans.length === 2 ? spans.toSorted((left, right) => left.kind - right.kind) : undefined;
  });
  expect(server).toMatchObject({ parentSpanId: PARENT, name: 'tools/call meta', kind: 2, isError: false });
  expect(server!.attributes).toMatchObject({
    'mcp.method.name': 'tools/call',
    'mcp.protocol.version': '2026-07-28',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'meta',
    'network.transport': 'tcp',
  });
  expect(upstream).toMatchObject({
    parentSpanId: server!.spanId,
    kind: 3,
    attributes: { 'signalbox.upstream': 'meta', 'network.transport': 'pipe' },
  });
  expect(seen).toMatchObject({ traceparent: `00-${TRACE_ID}-${upstream!.spanId}-01`, tracestate: 'vendor=1', baggage: 'a=b' });
  expect(upstream!.startMs).toBeGreaterThanOrEqual(server!.startMs);
  expect(upstream!.endMs).toBeLessThanOrEqual(server!.endMs);
  expect(Math.abs(Date.now() - server!.endMs)).toBeLessThan(30_000);
  expect(collector.headers['x-key']).toBe('open sesame');
  expect(collector.resource).toMatchObject({
    'service.name': 'signalbox',
    'service.instance.id': expect.stringMatching(/^[0-9a-f]{12}\.0$/),
  });
});

test('a trace that only the HTTP headers name is gone on with, too', async () => {
  await using collector = await startOtlpReceiver();
  await using gateway = await startGateway({ config: configOf({ traces: { url: collector.url } }) });
  const client = await openMetaClient(gateway.url);
  const headers = { traceparent: `00-${TRACE_ID}-${PARENT}-01`, tracestate: 'vendor=1' };
  const { result } = await client.request('tools/call', { name: 'meta', arguments: {} }, { headers });
  expect(JSON.stringify(result)).toContain(`00-${TRACE_ID}-`);
  expect(JSON.stringify(result)).toContain('vendor=1');
});

test('callers decide whether their trace is kept, and the ratio decides on the others', async () => {
  await using collector = await startOtlpReceiver();
  await using gateway = await startGateway({ config: configOf({ traces: { url: `${collector.url}/v1/traces`, sampleRatio: 0 } }) });
  const client = await openMetaClient(gateway.url);
  const own = await callMeta(client);
  expect(own?.['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  await callMeta(client, { traceparent: `00-${'1'.repeat(32)}-${PARENT}-00` });
  await callMeta(client, { traceparent: `00-${TRACE_ID}-${PARENT}-01` });
  await gateway.stop();
  expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
});

test.each(['away', 'hanging'])('a collector that is %s costs no call, and neither memory nor time at the end', async (fault) => {
  await using collector = await startOtlpReceiver();
  collector.isHanging = true;
  const { url } = collector;
  if (fault === 'away') await collector[Symbol.asyncDispose]();
  await using gateway = await startGateway({ config: configOf({ traces: { url }, metrics: { url, intervalSeconds: 1 } }) });
  const client = await openMetaClient(gateway.url);
  expect(await load(client, { calls: 1_500 })).toBe(0);
  await eventually('spans are counted as dropped', async () => {
    const text = await (await fetch(new URL('/metrics', gateway.url))).text();
    return Number(/^signalbox_trace_spans_dropped_total\{worker="1"\} (\d+)$/m.exec(text)?.[1]) > 0 ? true : undefined;
  });
  expect(gateway.stderr().match(/spans were dropped/g)).toHaveLength(1);
  const startedAtMs = performance.now();
  await gateway.stop();
  expect(performance.now() - startedAtMs).toBeLessThan(8_000);
});

test('metrics go to a collector, the same ones that Prometheus sees', async () => {
  await using collector = await startOtlpReceiver();
  await using gateway = await startGateway({ config: configOf({ metrics: { url: collector.url, intervalSeconds: 1 } }) });
  const client = await openMetaClient(gateway.url);
  for (let count = 0; count < 3; count++) await callMeta(client);
  const calls = await eventually('the calls have been told of', () =>
    collector.points.find(({ metric, value }) => metric === 'signalbox_calls_total' && value === 3),
  );
  expect(calls.attributes).toEqual({ method: 'tools/call', upstream: 'meta', tool: 'meta', status: 'ok', cached: 'false' });
  expect(collector.points).toContainEqual(expect.objectContaining({ metric: 'signalbox_call_duration_seconds', value: 3 }));
});
