import { silentLogger, systemClock, type Logger } from '@signalbox/core';
import { expect, test } from 'vitest';
import { TRACE, createCallRecord } from '../testing/call-record.ts';
import { createSpanEncoder } from './span-encoder.ts';
import { createTraceExport, type Sender } from './trace-export.ts';

const traced = createCallRecord({ trace: TRACE });
const encoder = createSpanEncoder({}, { clientTransport: () => 'tcp', upstreamTransport: () => 'pipe' });
const logTo = (lines: unknown[]): Logger => ({ ...silentLogger, warn: (message, fields) => void lines.push([message, fields]) });
const sendTo = (send: Sender['send']): Sender => ({ send, close: () => undefined });

test('sampled calls are sent, the last ones at the end', async () => {
  const sent: Buffer[] = [];
  const sender = sendTo(async (parts) => void sent.push(Buffer.concat(parts)));
  const traces = createTraceExport({ encoder, sender, clock: systemClock, logger: silentLogger });
  for (let number = 0; number < 1_300; number++) traces.write(traced);
  traces.write(createCallRecord({ trace: { ...TRACE, isSampled: false } }));
  traces.write(createCallRecord());
  await traces.close(1_000);
  expect(sent.reduce((calls, bytes) => calls + bytes.toString('latin1').split('tools/call echo').length - 1, 0)).toBe(2_600);
  expect([traces.exported, traces.dropped]).toEqual([2_600, 0]);
});

test('a collector that never answers costs a bounded queue, one line and a bounded end', async () => {
  const lines: unknown[] = [];
  const sender = sendTo(() => new Promise<void>(() => undefined));
  const traces = createTraceExport({ encoder, sender, clock: systemClock, logger: logTo(lines), maxQueued: 600 });
  for (let number = 0; number < 5_000; number++) {
    traces.write(traced);
    if (number === 300) await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  expect(traces.dropped).toBeGreaterThan(7_000);
  const startedAtMs = performance.now();
  await traces.close(50);
  expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  expect(lines).toHaveLength(1);
});

test('a collector that is away costs its spans and nothing else', async () => {
  const lines: unknown[] = [];
  const sender = sendTo(() => Promise.reject(new Error('nobody there')));
  const traces = createTraceExport({ encoder, sender, clock: systemClock, logger: logTo(lines) });
  traces.write(traced);
  await traces.close(1_000);
  expect([traces.exported, traces.dropped]).toEqual([0, 2]);
  expect(lines).toEqual([['spans were dropped', { spans: 2, reason: 'nobody there' }]]);
});
