import { expect, test } from 'vitest';
import { LikeCalls } from './like-calls.ts';
import type { Record as CallRecord } from './ports.ts';

const RECORD: Required<CallRecord> = {
  callId: 'call-1',
  method: 'tools/call',
  name: 'files__read',
  server: 'office',
  principal: 'alice',
  upstream: 'files',
  upstreamName: 'read',
  client: 'test',
  revision: '2025-06-18',
  startedAtMs: 1,
  durationMs: 2,
  queuedMs: 3,
  upstreamMs: 4,
  sentAfterMs: 5,
  paramsBytes: 6,
  resultBytes: 7,
  status: 'ok',
  error: undefined,
  attempts: 1,
  cached: false,
  cacheTier: undefined,
  isAhead: undefined,
  isApproved: undefined,
  trace: undefined,
};
/** What like calls may differ in. */
const OWN = new Set([
  'callId',
  'startedAtMs',
  'durationMs',
  'queuedMs',
  'upstreamMs',
  'sentAfterMs',
  'paramsBytes',
  'resultBytes',
  'trace',
]);

const count = () => {
  let made = 0;
  return new LikeCalls(() => ++made);
};

test.each(Object.keys(RECORD))('"%s" makes a call another one, or is its own', (field) => {
  const calls = count();
  const other = { ...RECORD, [field]: 'another' } as CallRecord;
  expect([calls.find(RECORD), calls.find(other), calls.find({ ...RECORD })]).toEqual(OWN.has(field) ? [1, 1, 1] : [1, 2, 1]);
});

test('what is known is bounded', () => {
  const calls = count();
  for (let number = 0; number < 5_000; number++) calls.find({ ...RECORD, name: `tool ${number}` });
  expect([calls.find({ ...RECORD, name: 'tool 4999' }), calls.find({ ...RECORD, name: 'tool 0' })]).toEqual([5_000, 5_001]);
});
