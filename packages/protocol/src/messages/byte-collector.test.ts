import fc from 'fast-check';
import { expect, test } from 'vitest';
import { splits } from '../testing/splits.ts';
import { ByteCollector } from './byte-collector.ts';

test('a body is the same however it came, and keeps nothing of what was lent', () => {
  const bodies = splits(fc.uint8Array({ maxLength: 5_000 }).map((bytes) => Buffer.from(bytes)));
  fc.assert(
    fc.property(bodies, fc.boolean(), ({ whole, chunks }, isAnnounced) => {
      const collector = new ByteCollector();
      for (const chunk of chunks) {
        const lent = Buffer.concat([Buffer.from('before'), chunk, Buffer.from('after')]);
        collector.push(lent, { start: 6, end: 6 + chunk.length }, isAnnounced ? whole.length : undefined);
        lent.fill(0);
      }
      expect(collector.length).toBe(whole.length);
      expect(collector.take().equals(whole)).toBe(true);
    }),
  );
});

test('an announced length is trusted with one mebibyte only', () => {
  const collector = new ByteCollector();
  collector.push(Buffer.from('abc'), { start: 0, end: 3 }, 1e9);
  const body = collector.take();
  expect(body.toString()).toBe('abc');
  expect(body.buffer.byteLength).toBeLessThan(100_000);
});
