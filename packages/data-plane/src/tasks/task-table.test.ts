import { expect, test } from 'vitest';
import { Cancellation, type CallerSession } from '@signalbox/core';
import { createSeal } from '@signalbox/security';
import { createTestClock } from '../testing/test-clock.ts';
import { TaskIds } from './task-ids.ts';
import { TaskTable } from './task-table.ts';

function start(bounds: { maxPerOwner?: number; max?: number } = {}) {
  const clock = createTestClock();
  const table = new TaskTable({ ids: new TaskIds(createSeal({ key: Buffer.alloc(32, 1) })), clock, ...bounds });
  return { clock, table };
}

const alice = { principal: 'alice' };
const bob = { principal: 'bob' };
const ref = (id: string) => ({ upstream: 'up', id });

test('a task has one id however often it is seen, and each owner an own one', () => {
  const { table } = start();
  const first = table.see(ref('t'), alice).publicId;
  expect(table.see(ref('t'), alice).publicId).toBe(first);
  expect(table.see(ref('t'), bob).publicId).not.toBe(first);
  expect(table.see(ref('u'), alice, { publicId: 'as asked' }).publicId).toBe('as asked');
});

test('an id that several owners have tells nothing, so news of it go to nobody', () => {
  const { table } = start();
  table.see(ref('t'), alice);
  expect(table.find('up', 't')?.owner).toBe('["alice"]');
  table.see(ref('t'), bob);
  expect(table.find('up', 't')).toBeUndefined();
  expect(table.find('other', 't')).toBeUndefined();
});

test('the oldest give way, those of an owner to newer ones of his own first', () => {
  const { table } = start({ maxPerOwner: 2, max: 3 });
  const ends = ['a', 'b', 'c'].map((id) => table.see(ref(id), alice).end);
  expect(ends.map(({ isCancelled }) => isCancelled)).toEqual([true, false, false]);
  table.see(ref('d'), bob);
  table.see(ref('e'), bob);
  expect(table.list(alice).map((task) => task.ref.id)).toEqual(['c']);
  expect(table.list(bob).map((task) => task.ref.id)).toEqual(['d', 'e']);
  expect(table.size).toBe(3);
});

test('what its server keeps no longer is forgotten, and what waits for its end hears of it', () => {
  const { clock, table } = start();
  const end = new Cancellation();
  table.see(ref('t'), alice, { ttlMs: 1_000, end });
  table.see(ref('forever'), alice);
  clock.advance(60_000);
  expect(table.size).toBe(2);
  clock.advance(60_000);
  expect(table.list(alice).map((task) => task.ref.id)).toEqual(['forever']);
  expect(end.isCancelled).toBe(true);
  clock.advance(25 * 3_600_000);
  expect(table.size).toBe(0);
});

test('a second one who waits for the end of a task hears of it, too', () => {
  const { table } = start();
  const [first, second] = [new Cancellation(), new Cancellation()];
  table.see(ref('t'), alice, { end: first });
  table.see(ref('t'), alice, { end: second, isOver: true });
  expect([first.isCancelled, second.isCancelled]).toEqual([true, true]);
});

test("a principal's task outlives its session and is told to the next one that asks for it", () => {
  const { table } = start();
  const sessionOf = (id: string) => {
    const ends: (() => void)[] = [];
    const watchEnd = (listener: () => void) => {
      ends.push(listener);
      return () => undefined;
    };
    const session = { id, watchEnd } as unknown as CallerSession;
    return { session, end: () => ends.forEach((listener) => listener()) };
  };
  const [first, second] = [sessionOf('s1'), sessionOf('s2')];
  const task = table.see(ref('t'), { ...alice, session: first.session });
  expect(task.session).toBe(first.session);
  first.end();
  expect(task.session).toBeUndefined();
  table.see(ref('t'), { ...alice, session: second.session });
  expect(task.session).toBe(second.session);
  table.see(ref('own'), { principal: 'local', session: second.session });
  second.end();
  expect([table.size, table.list(alice)[0]?.session]).toEqual([1, undefined]);
});
