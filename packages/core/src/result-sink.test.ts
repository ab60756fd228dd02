import { expect, test } from 'vitest';
import { RawJson } from './raw-json.ts';
import { toOutcome } from './call.ts';
import { sinkAbove, type ResultHead, type ResultSink } from './result-sink.ts';

const SOURCE = { resume: () => undefined, stop: () => undefined };
const head = (arrivedBytes: number, maxBytes?: number): ResultHead => ({
  revision: '2026-07-28',
  resultType: undefined,
  member: 'content',
  arrivedBytes,
  maxBytes,
});

function createSink(): ResultSink & { readonly begun: ResultHead[]; text: string; isFull: boolean } {
  const begun: ResultHead[] = [];
  return {
    begun,
    text: '',
    isFull: false,
    get isBegun() {
      return begun.length > 0;
    },
    begin: (given) => {
      begun.push(given);
      return { added: '', dropped: new Set(), objects: new Set() };
    },
    write(bytes, start, end) {
      this.text += bytes.toString('utf8', start, end);
    },
  };
}

test('a sink for large results leaves the others to be collected', () => {
  const inner = createSink();
  const sink = sinkAbove(1000, inner);
  expect(sink.begin(head(600, 1000), SOURCE)).toBeUndefined();
  expect(sink.begin(head(600), SOURCE)).toBeUndefined();
  expect([sink.isBegun, inner.begun.length]).toEqual([false, 0]);
  expect(sink.begin(head(1001), SOURCE)).toBeDefined();
  expect(sink.begin(head(600, 1001), SOURCE)).toBeDefined();
  expect(sink.isBegun).toBe(true);
  sink.write(Buffer.from('abcd'), 1, 3);
  inner.isFull = true;
  expect([inner.text, sink.isFull]).toEqual(['bc', true]);
});

test('a delivered result cannot be read as an outcome', () => {
  const outcome = {
    kind: 'result',
    result: RawJson.fromValue({}),
    resultType: 'complete',
    isError: false,
    revision: '2026-07-28',
  } as const;
  expect(toOutcome(outcome)).toBe(outcome);
  expect(() => toOutcome({ kind: 'delivered', resultType: 'complete', isError: false })).toThrow('has been delivered already');
});
