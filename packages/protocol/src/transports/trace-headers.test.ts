import { expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import type { RequestMessage } from '../messages/message.ts';
import { adoptTrace } from './trace-headers.ts';

const message = (params: Readonly<Record<string, unknown>>) =>
  ({ kind: 'request', method: 'tools/call', params: toParams(params) }) as unknown as RequestMessage;
const metaOf = (params: Readonly<Record<string, unknown>>, headers: Record<string, string>) =>
  (adoptTrace(message(params), headers) as RequestMessage).params.get('_meta')?.value;

test('the trace of the headers is the trace of a request that names none', () => {
  const headers = { traceparent: '00-a-b-01', tracestate: 'v=1', baggage: 'k=v' };
  expect(metaOf({}, headers)).toEqual(headers);
  expect(metaOf({ _meta: { other: 1, baggage: 'own' } }, headers)).toEqual({ other: 1, ...headers, baggage: 'own' });
});

test('what the body says goes before the headers', () => {
  expect(metaOf({ _meta: { traceparent: 'own' } }, { traceparent: 'other', tracestate: 'v=1' })).toEqual({ traceparent: 'own' });
  expect(metaOf({ _meta: 'odd' }, { traceparent: 'other' })).toBe('odd');
  expect(metaOf({ a: 1 }, { tracestate: 'v=1' })).toBeUndefined();
});
