import { GatewayError, type RawJson, type Journal, type Record, type RecordPayload, type ResultSink } from '@signalbox/core';
import { expect, test } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf } from '../testing/memory-gateway.ts';

const server = () =>
  createScriptedServer([
    { name: 'say', run: () => resultOf({ content: [{ type: 'text', text: 'hello' }] }) },
    { name: 'fail', run: () => Promise.reject(new GatewayError('UPSTREAM_UNAVAILABLE', 'gone')) },
  ]);

test('a record says who asked what of whom, where, and what it took', async () => {
  await using gateway = await createMemoryGateway({
    servers: { alone: server(), other: server() },
    more: { virtualServers: { office: { upstreams: ['other'] } } },
  });
  await gateway.at('office').call('say', {}, { principal: 'alice' });
  await gateway.call('other__say');
  await gateway.call('nowhere').catch(() => undefined);
  expect(gateway.records).toMatchObject([
    { name: 'say', server: 'office', principal: 'alice', upstream: 'other', upstreamName: 'say', status: 'ok', attempts: 1 },
    { name: 'other__say', server: undefined, upstream: 'other', upstreamName: 'say', trace: undefined },
    {
      name: 'nowhere',
      upstream: undefined,
      upstreamName: undefined,
      sentAfterMs: undefined,
      status: 'gateway-error',
      error: 'UNKNOWN_NAME',
    },
  ]);
  const [record] = gateway.records;
  expect(record!.upstreamMs).toBeGreaterThan(0);
  expect(record!.upstreamMs).toBeLessThanOrEqual(record!.durationMs);
  expect(record!.sentAfterMs).toBeGreaterThanOrEqual(0);
});

test('the wait for a slot is told apart from the time in the upstream', async () => {
  let finish!: () => void;
  const isFree = new Promise<void>((resolve) => (finish = resolve));
  let reach!: () => void;
  const isReached = new Promise<void>((resolve) => (reach = resolve));
  const slow = createScriptedServer([{ name: 'wait', run: () => (reach(), isFree.then(() => resultOf({ content: [] }))) }]);
  await using gateway = await createMemoryGateway({ servers: { slow }, config: { slow: { sequential: true } } });
  await gateway.list('tools/list');
  const calling = gateway.call('wait');
  await isReached;
  const waiting = gateway.call('wait');
  setTimeout(finish, 30);
  await Promise.all([calling, waiting]);
  const [first, second] = gateway.records;
  expect(first!.queuedMs).toBe(0);
  expect(first!.upstreamMs).toBeGreaterThan(20);
  expect(second!.queuedMs).toBeGreaterThan(20);
});

test('an answer waits until its record is kept, and is not given when it cannot be', async () => {
  let keep!: () => void;
  const isKept = new Promise<void>((resolve) => (keep = resolve));
  let write: Journal['write'] = () => isKept;
  await using gateway = await createMemoryGateway({
    servers: { one: server() },
    journal: { isDurable: true, write: (...all) => write(...all) },
  });
  let isAnswered = false;
  const call = gateway.call('say').then(() => (isAnswered = true));
  await new Promise((resolve) => void setTimeout(resolve, 20));
  expect(isAnswered).toBe(false);
  keep();
  await call;
  write = () => Promise.reject(new GatewayError('AUDIT_UNAVAILABLE', 'the store is away'));
  await expect(gateway.call('say')).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', data: { sent: true, callId: expect.any(String) } });
  await expect(gateway.call('fail')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
});

test('no call is made while its record could not be kept', async () => {
  const records: Record[] = [];
  const journal: Journal = {
    check: () => {
      throw new GatewayError('AUDIT_UNAVAILABLE', 'the store is away');
    },
    write: (record) => void records.push(record),
  };
  await using gateway = await createMemoryGateway({ servers: { one: server() }, journal });
  await expect(gateway.call('say')).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE' });
  expect(records).toMatchObject([{ status: 'gateway-error', error: 'AUDIT_UNAVAILABLE', attempts: 0 }]);
});

test('arguments and result go beside the record where they are wanted, also of a result that flows', async () => {
  const payloads: (RecordPayload | undefined)[] = [];
  const journal: Journal = { payloadBytes: 8, write: (_, payload) => void payloads.push(payload) };
  const { open } = createScriptedServer([{ name: 'say', run: () => resultOf({ content: [] }) }]);
  const flowing = {
    open: async (onNotification: Parameters<typeof open>[0]) => {
      const opened = await open(onNotification);
      const pour = async (_: unknown, sink: ResultSink) => {
        sink.begin(
          { revision: '', resultType: 'complete', member: 'content', arrivedBytes: 12, maxBytes: undefined },
          { resume() {}, stop() {} },
        );
        sink.write(Buffer.from('{"content":1}'), 0, 13);
        return { kind: 'delivered' as const, resultType: 'complete', isError: false };
      };
      return { ...opened, connection: Object.assign(opened.connection, { pour }) };
    },
  };
  await using gateway = await createMemoryGateway({ servers: { flowing }, journal });
  await gateway.call('say', { a: 1 });
  const written: string[] = [];
  const sink: ResultSink = {
    isBegun: true,
    isFull: false,
    begin: () => ({ added: '', dropped: new Set(), objects: new Set() }),
    write: (bytes, start, end) => void written.push(bytes.toString('utf8', start, end)),
  };
  const client = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' as const };
  await gateway.call('say', {}, { client, request: { sink } }).catch(() => undefined);
  expect(written).toEqual(['{"content":1}']);
  expect(payloads.map((payload) => [payload?.arguments?.value, payload?.result?.bytes.toString().slice(0, 8)])).toEqual([
    [{ a: 1 }, '{"result'],
    [{}, '{"conten'],
  ]);
});

test('a call goes on with the trace of its caller, and its upstream with that of the call', async () => {
  const seen: unknown[] = [];
  const upstream = createScriptedServer([
    {
      name: 'say',
      run: (_, request) => {
        seen.push(request.params.get('_meta')?.value);
        return resultOf({ content: [] });
      },
    },
  ]);
  await using gateway = await createMemoryGateway({ servers: { upstream }, sampleRatio: 0 });
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  await gateway.call('say', {}, { meta: { other: 1, traceparent: `00-${traceId}-b7ad6b7169203331-01`, tracestate: 'a=b' } });
  await gateway.call('say', {}, { meta: { traceparent: 'nonsense', tracestate: 'a=b' } });
  await gateway.call('say');
  const [joined, begun, bare] = gateway.records.map(({ trace }) => trace!);
  expect(joined).toMatchObject({ traceId, parentSpanId: 'b7ad6b7169203331', isSampled: true });
  expect(begun).toMatchObject({ parentSpanId: undefined, isSampled: false });
  expect(seen).toEqual([
    { other: 1, traceparent: `00-${traceId}-${joined!.upstreamSpanId}-01`, tracestate: 'a=b' },
    { traceparent: `00-${begun!.traceId}-${begun!.upstreamSpanId}-00` },
    { traceparent: `00-${bare!.traceId}-${bare!.upstreamSpanId}-00` },
  ]);
  expect(new Set([joined!.spanId, joined!.upstreamSpanId, bare!.spanId, bare!.traceId]).size).toBe(4);
});

test('without tracing what the caller says of its trace passes through untouched', async () => {
  const seen: unknown[] = [];
  const upstream = createScriptedServer([
    { name: 'say', run: (_, { params }) => (seen.push(params.get('_meta')), resultOf({ content: [] })) },
  ]);
  await using gateway = await createMemoryGateway({ servers: { upstream } });
  await gateway.call('say', {}, { meta: { traceparent: 'anything' } });
  expect((seen[0] as RawJson).value).toEqual({ traceparent: 'anything' });
});
