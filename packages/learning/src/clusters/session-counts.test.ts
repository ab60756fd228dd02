import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCall } from '../testing/create-call.ts';
import { createSessionCounts, type SessionCounts } from './session-counts.ts';

const KINDS = [
  { principal: 'ann', client: 'desk', upstream: 'mail', tools: ['read', 'send'] },
  { principal: 'bob', client: 'desk', upstream: 'files', tools: ['list', 'open', 'write'] },
  { principal: 'bot', client: 'cron', upstream: 'shop', tools: ['search', 'pay'] },
];

function fill(model: SessionCounts, sessions: number): void {
  for (let index = 0; index < sessions; index++) {
    const { tools, ...kind } = KINDS[index % 3]!;
    for (let call = 0; call < 6; call++)
      model.observe(createCall({ ...kind, session: `s${index}`, tool: tools[call % tools.length]!, atMs: index * 1_000 + call }));
  }
}

test('sessions of agents that do the same stand together, with who they are and what marks them', async () => {
  const model = createSessionCounts();
  fill(model, 90);
  model.observe(createCall({ session: 'short', upstream: 'mail', atMs: 1 }));
  let pauses = 0;
  const { sessions, separation, clusters } = await model.cluster(async () => void pauses++);
  expect([sessions, clusters.length, separation > 0.5, pauses > 10]).toEqual([90, 3, true, true]);
  for (const { principal, client, upstream } of KINDS) {
    const own = clusters.find(({ marks }) => marks.includes(`server ${upstream}`));
    expect(own).toMatchObject({ sessions: 30, calls: 180, principals: [{ principal, sessions: 30 }], clients: [{ client, sessions: 30 }] });
  }
});

test('a model that is loaded groups as the one that was saved, whatever came in whatever order', async () => {
  const call = fc.record({
    principal: fc.constantFrom('a', ''),
    session: fc.constantFrom('1', '2', '3', '4'),
    client: fc.constantFrom('x', 'y\0z'),
    upstream: fc.constantFrom('m', 'f'),
    tool: fc.constantFrom('one', 'two'),
    atMs: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 60 }), async (calls) => {
      const [one, other] = [createSessionCounts(), createSessionCounts()];
      for (const each of calls) one.observe(createCall(each));
      other.load(one.save());
      expect(new Map(other.save().get('calls'))).toEqual(new Map(one.save().get('calls')));
      expect(await other.cluster(async () => undefined)).toEqual(await one.cluster(async () => undefined));
    }),
    { numRuns: 25 },
  );
});

test('the oldest sessions go when there are too many, and a session of a thousand tools keeps some', () => {
  const model = createSessionCounts();
  fill(model, 1_500);
  for (let index = 0; index < 1_000; index++) model.observe(createCall({ session: 'wide', tool: `t${index}`, atMs: 9_999_999 }));
  const keys = [...model.save().get('calls')!.keys()];
  expect(keys.filter((key) => key.includes('wide'))).toHaveLength(64);
  expect(new Set(keys.map((key) => key.split('\0')[1])).size).toBeLessThanOrEqual(1_000);
  expect(keys.some((key) => key.split('\0')[1] === 's0')).toBe(false);
  expect(keys.some((key) => key.split('\0')[1] === 's1499')).toBe(true);
});
