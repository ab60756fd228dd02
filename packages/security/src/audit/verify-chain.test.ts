import { createMemoryStore } from '@signalbox/storage';
import type { Store } from '@signalbox/core';
import * as fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { CHAIN, createCallRecord, createTestAudit, rewriteLog } from '../testing/audit-parts.ts';
import type { ChainHead } from './audit-entry.ts';
import { verifyChain } from './verify-chain.ts';

const RECORDS = 40;
let store: Store;
let head: ChainHead;

beforeAll(async () => {
  const made = createTestAudit();
  for (let number = 1; number <= RECORDS; number++) made.audit.write(createCallRecord(String(number)));
  await made.audit.close();
  ({ store } = made);
  const { head: hash } = await verifyChain(store, CHAIN);
  head = { sequence: RECORDS, hash };
});

const place = fc.integer({ min: 0, max: RECORDS - 1 });
const brokenAt = async (change: (values: Buffer[]) => Buffer[]) =>
  (await verifyChain(await rewriteLog(store, change), CHAIN, [head])).broken?.sequence;

test('a chain as it was written is sound', async () => {
  expect(await verifyChain(store, CHAIN, [head])).toEqual({
    chain: CHAIN,
    first: 1,
    last: RECORDS,
    head: head.hash,
    lost: 0,
    broken: undefined,
  });
});

test('a changed bit is found, and its record named', () =>
  fc.assert(
    fc.asyncProperty(place, fc.nat(), fc.nat(7), async (at, byte, bit) => {
      const broken = await brokenAt((values) => {
        const value = values[at]!;
        value[byte % value.length]! ^= 1 << bit;
        return values;
      });
      expect(broken).toBe(at + 1);
    }),
  ));

test('a record that is taken out is missed where it was', () =>
  fc.assert(
    fc.asyncProperty(place, async (at) => {
      expect(await brokenAt((values) => values.toSpliced(at, 1))).toBe(at + 1);
    }),
  ));

test('records that changed places are found at the first of them', () =>
  fc.assert(
    fc.asyncProperty(place, place, async (one, other) => {
      fc.pre(one !== other);
      const swap = (values: Buffer[]) => values.with(one, values[other]!).with(other, values[one]!);
      expect(await brokenAt(swap)).toBe(Math.min(one, other) + 1);
    }),
  ));

test('a record that is there twice is found at the second', () =>
  fc.assert(
    fc.asyncProperty(place, place, async (from, to) => {
      fc.pre(to > from);
      expect(await brokenAt((values) => values.toSpliced(to, 0, values[from]!))).toBe(to + 1);
    }),
  ));

test('an end that is cut off shows against a remembered head', () =>
  fc.assert(
    fc.asyncProperty(place, async (length) => {
      const cut = await rewriteLog(store, (values) => values.slice(0, length));
      expect((await verifyChain(cut, CHAIN, [head])).broken).toMatchObject({ sequence: length + 1 });
    }),
  ));

test('a chain that was written anew from a record on shows against a remembered head', async () => {
  const other = createTestAudit();
  for (let number = 1; number <= RECORDS; number++) other.audit.write(createCallRecord(`forged ${number}`));
  await other.audit.close();
  expect((await verifyChain(other.store, CHAIN)).broken).toBeUndefined();
  expect((await verifyChain(other.store, CHAIN, [head])).broken).toMatchObject({ sequence: RECORDS });
});

test('records of another chain do not pass for those of this one', async () => {
  const other = createMemoryStore();
  await other.commit([{ kind: 'append', log: 'audit.test.1', values: (await store.read(CHAIN)).map(({ value }) => value) }]);
  expect((await verifyChain(other, 'audit.test.1')).broken).toMatchObject({
    sequence: 1,
    reason: expect.stringContaining('another chain'),
  });
});

test('records that are added while it is read break nothing', async () => {
  const { audit, store: own } = createTestAudit();
  const write = async (number: number) => {
    audit.write(createCallRecord(`call ${number}`));
    await audit.list({ limit: 1 });
  };
  await write(1);
  const growing: Store = {
    ...own,
    span: async (log) => {
      const span = await own.span(log);
      await write(2);
      return span;
    },
  };
  expect(await verifyChain(growing, CHAIN)).toMatchObject({ last: 2, broken: undefined });
  await audit.close();
});

test('a running audit misses what it wrote itself', async () => {
  const { audit, store: own } = createTestAudit();
  await audit.change({ atMs: 0, by: 'a', action: 'b', reason: undefined, stateVersion: undefined, lines: [] });
  await own.commit([{ kind: 'trim', log: CHAIN, before: 2 }]);
  expect(await audit.verify()).toMatchObject({ isSound: false });
});
