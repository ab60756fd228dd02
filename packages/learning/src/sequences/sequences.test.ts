import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCall } from '../testing/create-call.ts';
import { createSequences } from './sequences.ts';

const calls = fc.array(
  fc
    .record({
      tool: fc.constantFrom('a', 'b', 'c'),
      session: fc.constantFrom('s1', 's2'),
      tenant: fc.constantFrom('', 't'),
      atMs: fc.nat(10_000_000),
    })
    .map((call) => createCall(call)),
  { maxLength: 60 },
);

test('loading what was saved changes nothing that is said, also of what comes later in the same sessions', () => {
  fc.assert(
    fc.property(calls, calls, (before, after) => {
      const model = createSequences();
      for (const fact of before) model.observe(fact);
      const copy = createSequences();
      copy.load(model.save());
      for (const fact of after) for (const each of [model, copy]) each.observe(fact);
      expect(copy.frequent(99)).toEqual(model.frequent(99));
      for (const tool of ['a', 'b', 'c'])
        expect(copy.next({ upstream: 'files', tool }, 9)).toEqual(model.next({ upstream: 'files', tool }, 9));
    }),
  );
});

test('what follows what is counted within a session only, and sessions end', () => {
  const model = createSequences();
  const call = (tool: string, session: string, atMs = 0) => model.observe(createCall({ tool, session, atMs }));
  for (let round = 0; round < 5; round++) {
    call('open', `s${round}`);
    call('other', 'elsewhere');
    call('read', `s${round}`);
  }
  call('close', 's0', 7_200_000);
  expect(model.next({ upstream: 'files', tool: 'open' }, 3)).toEqual([{ upstream: 'files', tool: 'read', share: 1 }]);
  expect(model.next({ upstream: 'files', tool: 'read' }, 3)).toEqual([]);
  expect(model.frequent(9)[0]).toMatchObject({ tools: [{ tool: 'open' }, { tool: 'read' }], count: 5, succeeded: 1 });
});

test('a sequence that only ever is a part of a longer one is not told of by itself', () => {
  const model = createSequences();
  for (let round = 0; round < 4; round++) for (const tool of ['a', 'b', 'c']) model.observe(createCall({ tool, session: `s${round}` }));
  expect(model.frequent(9).map(({ tools }) => tools.map(({ tool }) => tool).join(''))).toEqual(['abc']);
});
