import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../testing/splits.ts';
import { SSE_KEEP_ALIVE, SseDecoder, encodeEvent, type ServerSentEvent } from './sse.ts';

function decode(chunks: readonly Buffer[], maxBytes = 1000) {
  const events: (Omit<ServerSentEvent, 'data'> & { readonly data: string })[] = [];
  const decoder = new SseDecoder({ maxBytes, onEvent: (event) => events.push({ ...event, data: event.data.toString('utf8') }) });
  for (const chunk of chunks) decoder.push(chunk);
  return events;
}

const event = (data: string, rest: Partial<ServerSentEvent> = {}) => ({
  event: 'message',
  id: undefined,
  retryMs: undefined,
  ...rest,
  data,
});

test('events are read as the HTML standard says', () => {
  const read = (text: string) => decode([Buffer.from(text)]);
  expect(read('data: a\n\ndata:b\r\rdata:  c\r\n\r\n')).toEqual([event('a'), event('b'), event(' c')]);
  expect(read('data: a\ndata\ndata: b\n\n')).toEqual([event('a\n\nb')]);
  expect(read('\ufeffdata: a\n\n')).toEqual([event('a')]);
  expect(read(': comment\nevent: x\nid: 7\nretry: 250\nother: y\ndata: a\n\ndata: b\n\n')).toEqual([
    event('a', { event: 'x', id: '7', retryMs: 250 }),
    event('b'),
  ]);
  expect(read('id: a\0b\nretry: 1x\ndata: a\n\n')).toEqual([event('a')]);
  expect(read('id: 1\n\n')).toEqual([event('', { id: '1' })]);
  expect(read('event: x\n\n\n\ndata: not closed\n')).toEqual([]);
});

test('any split of a stream decodes to the same events', () => {
  const part = fc.oneof(
    fc.constantFrom('data: a', 'data:', 'event: x', 'id: 1', ': c', 'retry: 5', '\ufeff', 'ü'),
    fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\r', '\r\n\r\n'),
  );
  fc.assert(
    fc.property(splits(fc.array(part, { maxLength: 40 }).map((parts) => Buffer.from(parts.join('')))), ({ whole, chunks }) => {
      expect(decode(chunks)).toEqual(decode([whole]));
    }),
  );
});

test('what is encoded is decoded again, with comments in between', () => {
  fc.assert(
    fc.property(fc.array(fc.json({ maxDepth: 3 }), { maxLength: 5 }), (texts) => {
      const stream = Buffer.concat(texts.flatMap((text, index) => [SSE_KEEP_ALIVE, encodeEvent(Buffer.from(text), String(index))]));
      expect(decode([stream], 1e6)).toEqual(texts.map((text, index) => event(text, { id: String(index) })));
    }),
  );
});

test('line ends between the tokens of a message do not change its values', () => {
  const text = '{\r\n"n": 9007199254740993,\n"t":"a\\nb"}';
  const [read] = decode([encodeEvent(Buffer.from(text))]);
  expect(read!.data).toBe('{  "n": 9007199254740993, "t":"a\\nb"}');
});

test('an event may be as large as the bound, however it arrives', () => {
  const chunks = (length: number, size: number) => {
    const whole = Buffer.from(`data: ${'x'.repeat(length)}\n\n`);
    return Array.from({ length: Math.ceil(whole.length / size) }, (_, index) => whole.subarray(index * size, (index + 1) * size));
  };
  for (const size of [1, 7, 1000]) {
    expect(decode(chunks(60, size), 100)).toEqual([event('x'.repeat(60))]);
    expect(() => decode(chunks(200, size), 100)).toThrow(/more than 100 bytes/);
  }
  expect(() => decode([Buffer.from('data:\n'.repeat(102))], 100)).toThrow(/more than 100 bytes/);
});

test('a large event in many chunks costs time in proportion to its size', () => {
  const chunk = Buffer.alloc(65_536, 0x78);
  const events: number[] = [];
  const decoder = new SseDecoder({ maxBytes: 1e9, onEvent: ({ data }) => events.push(data.length) });
  decoder.push(Buffer.from('data: '));
  const startedAt = performance.now();
  for (let index = 0; index < 1000; index++) decoder.push(chunk);
  decoder.push(Buffer.from('\n\n'));
  expect(events).toEqual([65_536_000]);
  // Copying what has arrived for each chunk would move 32 GB.
  expect(performance.now() - startedAt).toBeLessThan(3000);
});
