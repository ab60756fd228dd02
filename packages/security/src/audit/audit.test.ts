import { RawJson, type Record as CallRecord } from '@signalbox/core';
import { createMemoryStore } from '@signalbox/storage';
import { expect, test } from 'vitest';
import { CHAIN, createCallRecord, createTestAudit } from '../testing/audit-parts.ts';
import type { AuditChange } from './audit-entry.ts';

const change = (more: Partial<AuditChange> = {}): AuditChange => ({
  atMs: Date.now(),
  by: 'alice',
  action: 'config.change',
  reason: 'because',
  stateVersion: 2,
  lines: ['- a', '+ b'],
  ...more,
});

test('what was written is listed newest first, page by page and over all chains', async () => {
  const { audit, store } = createTestAudit();
  const { audit: second } = createTestAudit({}, { store, slot: 1 });
  const base = Date.now();
  for (let number = 0; number < 500; number++)
    (number % 2 === 0 ? audit : second).write(
      createCallRecord(String(number), { startedAtMs: base + number, name: number % 5 === 0 ? 'fifth' : 'echo' }),
    );
  await audit.change(change({ atMs: base + 1_000 }));
  await second.close();
  const ids = async (query: object) => {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await audit.list({ limit: 7, ...query, cursor });
      found.push(
        ...page.entries.map(({ kind, record }) => (kind === 'call' ? (record as CallRecord).callId : (record as AuditChange).action)),
      );
      cursor = page.next;
    } while (cursor !== undefined);
    return found;
  };
  const all = Array.from({ length: 500 }, (_, age) => String(499 - age));
  expect(await ids({})).toEqual(['config.change', ...all]);
  expect(await ids({ kind: 'change' })).toEqual(['config.change']);
  expect(await ids({ name: 'fifth' })).toEqual(all.filter((id) => Number(id) % 5 === 0));
  expect(await ids({ sinceMs: base + 490, untilMs: base + 494 })).toEqual(['494', '493', '492', '491', '490']);
  expect(await ids({ principal: 'alice' })).toEqual(['config.change']);
  expect(await ids({ upstream: 'nobody' })).toEqual([]);
  await expect(audit.list({ limit: 1, cursor: 'nonsense' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
  await audit.close();
});

test('a chain goes on after a restart', async () => {
  const { audit, store } = createTestAudit();
  audit.write(createCallRecord('1'));
  await audit.close();
  const { audit: next } = createTestAudit({}, { store });
  next.write(createCallRecord('2'));
  await next.change(change());
  const { isSound, chains } = await next.verify();
  expect({ isSound, chains }).toMatchObject({ isSound: true, chains: [{ chain: CHAIN, first: 1, last: 3 }] });
  const { entries } = await next.list({ limit: 1 });
  expect(entries).toMatchObject([{ sequence: 3, hash: chains[0]!.head, kind: 'change', record: { by: 'alice', lines: ['- a', '+ b'] } }]);
});

test('what has been written so far is there for whoever reads', async () => {
  const { audit } = createTestAudit();
  audit.write(createCallRecord('1'));
  expect((await audit.list({ limit: 1 })).entries).toMatchObject([{ record: { callId: '1' } }]);
  audit.write(createCallRecord('2'));
  expect(await audit.verify()).toMatchObject({ chains: [{ last: 2 }] });
});

test('what comes in one turn goes into one commit', async () => {
  const store = createMemoryStore();
  let commits = 0;
  const counting = { ...store, commit: (...all: Parameters<typeof store.commit>) => (commits++, store.commit(...all)) };
  const { audit } = createTestAudit({ durable: true }, { store: counting });
  await Promise.all(Array.from({ length: 100 }, (_, number) => audit.write(createCallRecord(String(number)))));
  expect(commits).toBe(1);
  expect((await store.span(CHAIN)).last).toBe(100);
});

test('a record has neither arguments nor results unless they are wanted sealed', async () => {
  const payload = { arguments: RawJson.fromValue({ secret: 'hunter2' }), result: RawJson.fromValue('ä'.repeat(1_000)) };
  const plain = createTestAudit();
  plain.audit.write(createCallRecord('1'), payload);
  await plain.audit.close();
  expect(plain.audit.payloadBytes).toBe(0);
  expect(Buffer.concat((await plain.store.read(CHAIN)).map(({ value }) => value)).toString()).not.toContain('hunter2');
  expect((await plain.store.names()).collections).toEqual([]);

  const { audit, store } = createTestAudit({ payloads: 'sealed' });
  audit.write(createCallRecord('1'), payload);
  await audit.close();
  expect(Buffer.concat((await store.read(CHAIN)).map(({ value }) => value)).toString()).not.toContain('hunter2');
  expect((await audit.list({ limit: 1 })).entries).toMatchObject([{ hasPayload: true }]);
  const kept = await audit.payload(CHAIN, 1);
  expect(kept?.arguments).toBe('{"secret":"hunter2"}');
  expect(Buffer.byteLength(kept!.result!)).toBeLessThanOrEqual(256 + 2);
  expect(await audit.payload(CHAIN, 2)).toBeUndefined();
  const [entry] = await store.list('audit-payloads');
  await store.commit([
    { kind: 'put', collection: 'audit-payloads', key: entry!.key, value: Buffer.from('{"arguments":"{}","result":null}') },
  ]);
  await expect(audit.payload(CHAIN, 1)).rejects.toThrow('it was changed');
});

test('no field can end a line or reach a terminal', async () => {
  const evil = 'a\r\n{"b":1}\u001b[2J\u0085\u2028\u2029\u009b\u007f\0';
  const { audit, store } = createTestAudit();
  audit.write(createCallRecord(evil, { name: evil, client: evil, principal: evil, upstream: evil, error: evil }));
  await audit.change(change({ by: evil, lines: [evil] }));
  for (const { value } of await store.read(CHAIN)) expect(value.toString()).toMatch(/^[\u0020-\u007e\u00a0-\u2027\u202a-\uffff]+$/);
  const { entries } = await audit.list({ limit: 2 });
  expect(entries).toMatchObject([{ record: { by: evil, lines: [evil] } }, { record: { callId: evil, name: evil } }]);
  expect(await audit.verify()).toMatchObject({ isSound: true });
});

test('old records go, with what was kept beside them, and the rest still verifies', async () => {
  const { audit, store } = createTestAudit({ payloads: 'sealed' });
  const old = Date.now() - 400 * 86_400_000;
  const payload = { arguments: RawJson.fromValue({}), result: undefined };
  for (let number = 0; number < 1_200; number++)
    audit.write(createCallRecord(String(number), { startedAtMs: number < 1_100 ? old : Date.now() }), payload);
  await audit.close();
  const { audit: next } = createTestAudit({ payloads: 'sealed' }, { store });
  await expect.poll(async () => (await store.span(CHAIN)).first).toBe(1_101);
  await expect.poll(async () => (await next.list({ limit: 1 })).entries[0]?.record).toMatchObject({ action: 'audit.trim' });
  expect(await next.payload(CHAIN, 1_100)).toBeUndefined();
  expect(await next.payload(CHAIN, 1_101)).toEqual({ arguments: '{}', result: null });
  expect(await next.payload(CHAIN, 1_200)).toEqual({ arguments: '{}', result: null });
  expect(await next.payload('no such chain', 1)).toBeUndefined();
  expect((await store.list('audit-payloads')).length).toBeLessThan(3);
  expect(await next.verify()).toMatchObject({ isSound: true, chains: [{ first: 1_101, last: 1_201 }] });
  await store.commit([{ kind: 'trim', log: CHAIN, before: 1_111 }]);
  expect(await next.verify()).toMatchObject({
    isSound: false,
    chains: [{ broken: { sequence: 1_101, reason: 'the records in front of 1111 are missing' } }],
  });
  await next.close();
});
