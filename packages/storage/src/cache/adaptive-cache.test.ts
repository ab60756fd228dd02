import * as fc from 'fast-check';
import { LRUCache } from 'lru-cache';
import { expect, test } from 'vitest';
import { AdaptiveCache } from './adaptive-cache.ts';

const CAPACITY = 2_000;
const USES = 60_000;

/** Deterministic numbers from 0 to 1 (xorshift32). */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 4_294_967_296;
  };
}

/** Numbers that follow Zipf's law: the first is asked for most. */
function createZipf(count: number, exponent: number, random: () => number): () => number {
  const sums: number[] = [];
  let total = 0;
  for (let rank = 1; rank <= count; rank += 1) sums.push((total += rank ** -exponent));
  return () => {
    const wanted = random() * total;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

const mixes: Record<string, () => number[]> = {
  'a few much, many little': () => {
    const zipf = createZipf(40_000, 0.9, createRandom(1));
    return Array.from({ length: USES }, zipf);
  },
  'the same with scans': () => {
    const zipf = createZipf(40_000, 0.9, createRandom(2));
    let fresh = 1_000_000;
    return Array.from({ length: USES }, (_, index) => (index % 10_000 < 6_000 ? zipf() : fresh++));
  },
  'interest that moves': () => {
    const zipf = createZipf(10_000, 0.9, createRandom(3));
    return Array.from({ length: USES }, (_, index) => zipf() + Math.floor(index / 10_000) * 3_000);
  },
  'round and round': () => Array.from({ length: USES }, (_, index) => index % 2_500),
  'again soon or never': () => {
    const random = createRandom(4);
    const recent: number[] = [];
    let fresh = 0;
    return Array.from({ length: USES }, () => {
      const depth = Math.floor(-Math.log(1 - random()) * 1_000);
      const again = random() < 0.95 ? recent.splice(recent.length - 1 - depth, depth < recent.length ? 1 : 0)[0] : undefined;
      const key = again ?? fresh++;
      recent.push(key);
      return key;
    });
  },
  'twice each': () => {
    const random = createRandom(5);
    const waiting: number[] = [];
    let fresh = 0;
    return Array.from({ length: USES }, () => {
      if (waiting.length > 1_200 || (waiting.length > 0 && random() < 0.5))
        return waiting.splice(Math.floor(random() * waiting.length), 1)[0]!;
      waiting.push(fresh);
      return fresh++;
    });
  },
};

function hitsOf(cache: { get(key: string): unknown; set(key: string): unknown }, keys: readonly number[]): number {
  let hits = 0;
  for (const key of keys) {
    const text = `search {"query":"number ${key}"}`;
    if (cache.get(text) === undefined) cache.set(text);
    else hits += 1;
  }
  return hits / keys.length;
}

function compare(mix: string): { readonly adaptive: number; readonly byUse: number } {
  const keys = mixes[mix]!();
  const cache = new AdaptiveCache<true>({ maxBytes: CAPACITY });
  const lru = new LRUCache<string, true>({ max: CAPACITY });
  return {
    adaptive: hitsOf({ get: (key) => cache.get(key), set: (key) => cache.set(key, true, 1) }, keys),
    byUse: hitsOf({ get: (key) => lru.get(key), set: (key) => lru.set(key, true) }, keys),
  };
}

test.each(Object.keys(mixes))('%s: at most a point and a half behind the order of last use while it finds out', (mix) => {
  const { adaptive, byUse } = compare(mix);
  expect(adaptive).toBeGreaterThan(byUse - 0.015);
});

test.each(['a few much, many little', 'the same with scans', 'round and round'])('%s: well ahead of the order of last use', (mix) => {
  const { adaptive, byUse } = compare(mix);
  expect(adaptive).toBeGreaterThan(byUse + 0.03);
});

test('one pass over many newcomers leaves what is used', () => {
  const cache = new AdaptiveCache<number>({ maxBytes: 1_000 });
  for (let round = 0; round < 4; round += 1) {
    for (let key = 0; key < 500; key += 1) if (cache.get(`hot ${key}`) === undefined) cache.set(`hot ${key}`, key, 1);
  }
  for (let key = 0; key < 10_000; key += 1) cache.set(`scan ${key}`, key, 1);
  const kept = Array.from({ length: 500 }, (_, key) => cache.get(`hot ${key}`)).filter((value) => value !== undefined);
  expect(kept.length).toBeGreaterThan(490);
});

test('the bound holds whatever is done, and what comes back is what was last set', () => {
  const step = fc.record({
    key: fc.constantFrom(...'abcdefghijkl'),
    act: fc.constantFrom('set', 'get', 'delete', 'clear'),
    bytes: fc.nat(60),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const cache = new AdaptiveCache<number>({ maxBytes: 100 });
      const last = new Map<string, number>();
      for (const [index, { key, act, bytes }] of steps.entries()) {
        if (act === 'set') {
          cache.set(key, index, bytes);
          last.set(key, index);
        } else if (act === 'delete') {
          cache.delete(key);
          last.delete(key);
        } else if (act === 'clear') {
          cache.clear(key);
          last.delete(key);
        }
        const found = cache.get(key);
        expect(act === 'set' ? [last.get(key)] : [undefined, last.get(key)]).toContain(found);
        expect(cache.bytes).toBeLessThanOrEqual(100);
      }
    }),
  );
});

test('a value larger than all there is is not kept, and does not leave an older one behind', () => {
  const cache = new AdaptiveCache<string>({ maxBytes: 100 });
  cache.set('a', 'old', 10);
  cache.set('a', 'new', 101);
  expect([cache.get('a'), cache.size, cache.bytes]).toEqual([undefined, 0, 0]);
});
