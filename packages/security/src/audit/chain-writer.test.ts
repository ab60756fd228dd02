import { silentLogger, systemClock, type Logger } from '@signalbox/core';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CHAIN, createCallRecord, createFaultyStore, createTestAudit, type Fate } from '../testing/audit-parts.ts';
import type { AuditEntry } from './audit-entry.ts';
import { ChainWriter } from './chain-writer.ts';
import { trimChain } from './trim-chain.ts';

const fact = (id: string) => ({ kind: 'call' as const, record: createCallRecord(id), payload: undefined });
const idsOf = (entries: readonly AuditEntry[]) =>
  entries.map(({ record }) => ('callId' in record ? record.callId : record.action)).toReversed();

test('whatever the store does, each fact is kept once and in order', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom<Fate>('made', 'refused', 'made-unheard'), { maxLength: 4 }), async (fates) => {
      const store = createFaultyStore((commit) => fates[commit - 1] ?? 'made');
      // A clock whose waits are over at once.
      const clock = { ...systemClock, after: (_: number, run: () => void) => (setImmediate(run), () => undefined) };
      const writer = new ChainWriter({ store, chain: CHAIN, clock, logger: silentLogger, lingerMs: 0 });
      for (let number = 0; number < 6; number++) {
        void writer.keep(fact(String(number))).catch(() => undefined);
        if (number % 2 === 0) await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      await expect.poll(async () => (await store.kept.span(CHAIN)).last, { interval: 1 }).toBe(6);
      const { audit } = createTestAudit({}, { store: store.kept, slot: 1 });
      expect(idsOf((await audit.list({ limit: 10 })).entries)).toEqual(['0', '1', '2', '3', '4', '5']);
      expect(await audit.verify()).toMatchObject({ isSound: true });
    }),
    { numRuns: 60 },
  ));

test('two who write one chain give one sound chain', async () => {
  const store = createFaultyStore(() => 'made');
  const [one, other] = [0, 1].map(() => new ChainWriter({ store, chain: CHAIN, clock: systemClock, logger: silentLogger, lingerMs: 0 }));
  await Promise.all(Array.from({ length: 40 }, (_, number) => (number % 2 === 0 ? one! : other!).keep(fact(String(number)))));
  const { audit } = createTestAudit({}, { store, slot: 1 });
  expect(await audit.verify()).toMatchObject({ isSound: true, chains: [{ last: 40 }] });
});

test('while a required audit cannot be written calls are refused, and they go on once it can', async () => {
  let isAway = true;
  const store = createFaultyStore(() => (isAway ? 'refused' : 'made'));
  const { audit } = createTestAudit({ required: true, durable: true }, { store });
  audit.check();
  await expect(audit.write(createCallRecord('1'))).rejects.toMatchObject({ code: 'AUDIT_UNAVAILABLE', isRetryable: true });
  expect(() => audit.check()).toThrow('Cannot make calls while their records cannot be kept: the disk is full');
  await expect(audit.change({ atMs: 0, by: 'a', action: 'late', reason: undefined, stateVersion: undefined, lines: [] })).rejects.toThrow(
    'the disk is full',
  );
  isAway = false;
  await expect.poll(() => audit.obstacle).toBeUndefined();
  audit.check();
  await audit.write(createCallRecord('2'));
  expect(idsOf((await audit.list({ limit: 5 })).entries)).toContain('1');
  expect(await audit.verify()).toMatchObject({ isSound: true });
});

test('a store that is away at the start is an obstacle until it is there', async () => {
  const { store } = createTestAudit();
  let isAway = true;
  const late = {
    ...store,
    read: (...all: Parameters<typeof store.read>) => (isAway ? Promise.reject(new Error('no connection')) : store.read(...all)),
  };
  const { audit } = createTestAudit({ required: true }, { store: late });
  await expect.poll(() => audit.obstacle).toBe('no connection');
  isAway = false;
  await expect.poll(() => audit.obstacle).toBeUndefined();
});

test('without being required it stops nobody, and what was lost stands in the chain and twice in the log', async () => {
  const lines: string[] = [];
  const logger: Logger = { ...silentLogger, error: (message) => void lines.push(message), warn: (message) => void lines.push(message) };
  let isAway = true;
  const store = createFaultyStore(() => (isAway ? 'refused' : 'made'));
  const writer = new ChainWriter({ store, chain: CHAIN, clock: systemClock, logger, lingerMs: 0, maxQueued: 10 });
  for (let number = 0; number < 50; number++) writer.add(fact(String(number)));
  expect(writer.lost).toBe(30);
  await expect.poll(() => writer.obstacle).toBe('the disk is full');
  isAway = false;
  await expect.poll(() => writer.queued).toBe(0);
  writer.add(fact('50'));
  await writer.close(1_000);
  const { audit } = createTestAudit({}, { store, slot: 1 });
  const { entries } = await audit.list({ limit: 100, kind: 'change' });
  expect(entries).toMatchObject([{ sequence: 21, record: { action: 'audit.gap', lines: [expect.stringContaining('30 records')] } }]);
  expect(await audit.verify()).toMatchObject({ isSound: true, chains: [{ last: 22, lost: 30 }] });
  expect(lines).toEqual([
    'audit records are lost from here on',
    'the audit cannot be written',
    'the audit can be written again',
    'audit records are kept again',
  ]);
});

test('an answer that waits for its record is let go when the store is away and the audit is not required', async () => {
  const store = createFaultyStore((commit) => (commit < 3 ? 'refused' : 'made'));
  const { audit } = createTestAudit({ durable: true }, { store });
  await audit.write(createCallRecord('1'));
  expect(audit.write(createCallRecord('2'))).toBeUndefined();
  await expect.poll(async () => (await store.kept.span(CHAIN)).last).toBe(2);
});

test('of a small store the oldest records go first', async () => {
  const { audit, store } = createTestAudit();
  for (let number = 0; number < 1_300; number++) audit.write(createCallRecord(String(number)));
  await audit.close();
  await trimChain(store, CHAIN, { beforeMs: 0, maxRecords: 100 });
  expect(await store.span(CHAIN)).toMatchObject({ first: 1_201, last: 1_300 });
  expect(await audit.verify()).toMatchObject({ isSound: true });
});
