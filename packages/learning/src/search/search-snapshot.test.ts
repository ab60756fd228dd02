import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readNeed } from './read-need.ts';
import { openSearchAdvice } from './search-advice.ts';
import type { SearchFeedback } from './search-feedback.ts';
import { createSearchModel } from './search-model.ts';
import { encodeSearchSnapshot, openSearchSnapshot } from './search-snapshot.ts';

const KEYS = Array.from({ length: 40 }, (_, index) => `сервер ${index % 4}\0tool${'!'.repeat(index % 3)}${index}`);
const NEEDS = ['book a flight to rome', 'send a mail to my boss', 'what is the weather like', 'convert euros to dollars', 'play some jazz'];
const staticRanking = KEYS.slice(0, 25).map((key, index) => ({ key, score: 0.9 - index / 50 }));
const mayShow = (key: string) => KEYS.includes(key);

const anyFeedback: fc.Arbitrary<SearchFeedback> = fc.record({
  tenant: fc.constantFrom('', 'other', 'a\0b'),
  principal: fc.constantFrom('a', 'b', 'c'),
  session: fc.constant(''),
  need: fc.constantFrom(...NEEDS).map(readNeed),
  shown: fc
    .shuffledSubarray(KEYS, { minLength: 1, maxLength: 12 })
    .map((keys) => keys.map((key, index) => ({ key, staticRank: index % 4 }))),
  chosen: fc.option(fc.constantFrom(...KEYS), { nil: undefined }),
  outcome: fc.constantFrom('succeeded', 'repaired', 'abandoned', 'repeated'),
});

function learnt(events: readonly SearchFeedback[]) {
  const model = createSearchModel();
  for (const event of events) model.observe(event);
  return model;
}

test('a snapshot ranks as the model does that it was taken of, bit for bit', () => {
  fc.assert(
    fc.property(
      fc.array(anyFeedback, { maxLength: 100 }),
      fc.array(fc.constantFrom(...NEEDS, '', 'unknown'), { maxLength: 3 }),
      (events, needs) => {
        const model = learnt(events);
        const advice = openSearchAdvice(openSearchSnapshot(encodeSearchSnapshot(model)));
        const features = needs.map(readNeed);
        for (const tenant of ['', 'other', 'a\0b', 'unknown']) {
          const asking = { tenant, staticRanking, limit: 12, mayShow };
          expect(advice.rank({ ...asking, needs })).toEqual(model.rank({ ...asking, needs: features }));
        }
      },
    ),
  );
});

test('what is learned later does not change a snapshot', () => {
  const events = fc.sample(anyFeedback, { numRuns: 100, seed: 5 });
  const model = learnt(events.slice(0, 50));
  const advice = openSearchAdvice(openSearchSnapshot(encodeSearchSnapshot(model)));
  const asking = { tenant: '', needs: NEEDS, staticRanking, limit: 25, mayShow };
  const before = advice.rank(asking);
  for (const event of events.slice(50)) model.observe(event);
  expect(advice.rank(asking)).toEqual(before);
});

test('a snapshot goes to another thread without a copy', async () => {
  const buffer = encodeSearchSnapshot(learnt(fc.sample(anyFeedback, { numRuns: 50, seed: 7 })));
  const worker = new Worker(
    "require('node:worker_threads').parentPort.once('message', (buffer) => { new Int32Array(buffer)[0] = 0; process.exit(); })",
    {
      eval: true,
    },
  );
  worker.postMessage(buffer);
  await new Promise((resolve) => void worker.once('exit', resolve));
  expect(() => openSearchSnapshot(buffer)).toThrow('Cannot read a search snapshot');
});

test('whatever was learned, with room for all the whole static ranking comes back', () => {
  fc.assert(
    fc.property(fc.array(anyFeedback, { maxLength: 60 }), fc.constantFrom(...NEEDS), (events, need) => {
      const advice = openSearchAdvice(openSearchSnapshot(encodeSearchSnapshot(learnt(events))));
      const ranked = advice.rank({ tenant: '', needs: [need], staticRanking, limit: staticRanking.length });
      expect(ranked.map(({ key }) => key).toSorted()).toEqual(staticRanking.map(({ key }) => key).toSorted());
      expect(ranked.every(({ key, staticRank }) => staticRanking[staticRank - 1]!.key === key)).toBe(true);
    }),
  );
});
