import { randomBytes } from 'node:crypto';
import { systemClock, type Clock, type Store } from '@signalbox/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryStore } from '../store/memory-store.ts';
import { createKeyring, KEYS } from './keyring.ts';
import { fingerprintOf } from './master-keys.ts';
import { createSealedStore } from './sealed-store.ts';

const master = randomBytes(32);
const secret = Buffer.from('a very secret value');
const isSealed = (name: string) => name !== 'plain';
const put = (key: string, value: Buffer = secret, collection = 'things') => ({ kind: 'put', collection, key, value }) as const;
const brokenError = { code: 'INTERNAL', message: expect.stringContaining('changed or moved') as string };

async function open(store: Store, keys: { master?: Buffer; previous?: Buffer[]; clock?: Clock } = {}): Promise<Store> {
  const keyring = await createKeyring({ store, master, clock: systemClock, ...keys });
  return createSealedStore(store, keyring, { isSealed });
}

describe('a sealed store', () => {
  test('returns what was put, and keeps nothing of it in the clear', async () => {
    const store = createMemoryStore();
    const sealed = await open(store);
    await sealed.commit([
      put('a'),
      put('b', Buffer.alloc(0)),
      { kind: 'append', log: 'log', values: [secret, secret] },
      put('c', secret, 'plain'),
    ]);
    expect((await sealed.get('things', 'a'))!.value).toEqual(secret);
    expect((await sealed.list('things')).map(({ value }) => value)).toEqual([secret, Buffer.alloc(0)]);
    expect((await sealed.read('log')).map(({ value }) => value)).toEqual([secret, secret]);
    const kept = [...(await store.list('things')), ...(await store.read('log')), ...(await store.list(KEYS))];
    expect(kept.some(({ value }) => value.includes(secret) || value.includes(master))).toBe(false);
    expect((await store.get('plain', 'c'))!.value).toEqual(secret);
    expect((await sealed.names()).collections).toEqual(['plain', 'things']);
  });

  test('opens nothing of which a single bit was changed', async () => {
    const store = createMemoryStore();
    const sealed = await open(store);
    await sealed.commit([put('a'), { kind: 'append', log: 'log', values: [secret] }]);
    const [entry, record] = [(await store.get('things', 'a'))!.value, (await store.read('log'))[0]!.value];
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 0, max: 7 }), async (position, bit) => {
        const flip = (value: Buffer) => {
          const changed = Buffer.from(value);
          changed[position % value.length]! ^= 1 << bit;
          return changed;
        };
        await store.commit([put('a', flip(entry)), { kind: 'append', log: 'log', values: [flip(record)] }]);
        await expect(sealed.get('things', 'a')).rejects.toMatchObject({ code: 'INTERNAL' });
        await expect(sealed.read('log', { newestFirst: true, limit: 1 })).rejects.toMatchObject({ code: 'INTERNAL' });
      }),
      { numRuns: 200 },
    );
  });

  test('opens nothing that was moved, copied, cut short, or never sealed', async () => {
    const store = createMemoryStore();
    const sealed = await open(store);
    await sealed.commit([put('a'), put('b'), { kind: 'append', log: 'log', values: [secret] }]);
    const { value } = (await store.get('things', 'a'))!;
    const record = (await store.read('log'))[0]!.value;
    for (const wrong of [
      put('b', value),
      put('a', value, 'others'),
      put('c', secret),
      put('d', Buffer.alloc(0)),
      put('e', value.subarray(0, 30)),
      put('f', record),
    ]) {
      await store.commit([wrong]);
      await expect(sealed.get(wrong.collection, wrong.key)).rejects.toMatchObject(brokenError);
      await expect(sealed.list(wrong.collection, { prefix: wrong.key })).rejects.toMatchObject(brokenError);
    }
    await store.commit([
      { kind: 'append', log: 'log2', values: [record] },
      { kind: 'append', log: 'log', values: [record] },
    ]);
    await expect(sealed.read('log2')).rejects.toMatchObject(brokenError);
    await expect(sealed.read('log')).rejects.toMatchObject(brokenError);
  });

  test('opens any value again, and only under its own name', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 300 }),
        fc.stringMatching(/^[a-z]{1,5}$/),
        fc.stringMatching(/^[a-z]{1,5}$/),
        async (bytes, one, other) => {
          const store = createMemoryStore();
          const sealed = await open(store);
          await sealed.commit([put(one, Buffer.from(bytes))]);
          expect((await sealed.get('things', one))!.value).toEqual(Buffer.from(bytes));
          await store.commit([put(`${one}${other}`, (await store.get('things', one))!.value)]);
          await expect(sealed.get('things', `${one}${other}`)).rejects.toMatchObject(brokenError);
        },
      ),
      { numRuns: 50 },
    ));

  test('keeps its own keys to itself', async () => {
    const sealed = await open(createMemoryStore());
    await expect(sealed.get(KEYS, 'a')).rejects.toMatchObject({ code: 'INTERNAL' });
    await expect(sealed.commit([put('a', secret, KEYS)])).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});

describe('the master key', () => {
  test('that is another one is refused by its fingerprint', async () => {
    const store = createMemoryStore();
    await (await open(store)).commit([put('a')]);
    const wrong = randomBytes(32);
    const error = await open(store, { master: wrong }).catch((cause: unknown) => cause as Error);
    expect(error).toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringMatching(/^Cannot open the sealed store: /) as string });
    expect((error as Error).message).toContain(`"${fingerprintOf(master)}", and given was "${fingerprintOf(wrong)}"`);
    await expect(open(store, { master: Buffer.alloc(31) })).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('is replaced without touching a value, also by two at once', async () => {
    const store = createMemoryStore();
    const old = await open(store);
    await old.commit([put('a')]);
    const before = (await store.get('things', 'a'))!;
    const next = randomBytes(32);
    const both = await Promise.all([open(store, { master: next, previous: [master] }), open(store, { master: next, previous: [master] })]);
    expect((await store.get('things', 'a'))!.version).toBe(before.version);
    for (const sealed of both) expect((await sealed.get('things', 'a'))!.value).toEqual(secret);
    // One that still runs with the key of before goes on, and what it writes can be read.
    await old.commit([put('b')]);
    expect((await both[0]!.get('things', 'b'))!.value).toEqual(secret);
    expect((await (await open(store, { master: next })).get('things', 'a'))!.value).toEqual(secret);
    await expect(open(store)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('does not open a data key that was changed or exchanged', async () => {
    const store = createMemoryStore();
    await (await open(store)).commit([put('a')]);
    const { key, value } = (await store.list(KEYS))[0]!;
    await store.commit([put('0123456789abcdef01234567', value, KEYS)]);
    await expect(open(store)).rejects.toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('was changed') as string });
    await store.commit([{ kind: 'delete', collection: KEYS, key: '0123456789abcdef01234567' }, put(key, Buffer.from('{'), KEYS)]);
    await expect(open(store)).rejects.toMatchObject({ code: 'INVALID_CONFIG', message: expect.stringContaining('damaged') as string });
  });
});

describe('data keys', () => {
  test('are replaced after 90 days, and older values still open', async () => {
    const store = createMemoryStore();
    let now = 1_000_000_000_000;
    const clock = { ...systemClock, now: () => now };
    const sealed = await open(store, { clock });
    await sealed.commit([put('a')]);
    await sealed.commit([put('b')]);
    expect(await store.list(KEYS)).toHaveLength(1);
    now += 90 * 24 * 60 * 60 * 1000;
    await sealed.commit([put('c')]);
    expect(await store.list(KEYS)).toHaveLength(2);
    expect((await sealed.list('things')).map(({ value }) => value)).toEqual([secret, secret, secret]);
    const other = await open(store, { clock });
    expect(await other.list('things')).toHaveLength(3);
  });

  test('are replaced once 2^31 values were shared out, however many processes there are', async () => {
    const store = createMemoryStore();
    await (await open(store)).commit([put('a')]);
    const { key, value } = (await store.list(KEYS))[0]!;
    const kept = JSON.parse(value.toString()) as { used: number };
    expect(kept.used).toBe(2 ** 20);
    await store.commit([put(key, Buffer.from(JSON.stringify({ ...kept, used: 2 ** 31 - 5 })), KEYS)]);
    await (await open(store)).commit([put('b')]);
    expect(await store.list(KEYS)).toHaveLength(2);
  });

  test('made by another process are found when they are met', async () => {
    const store = createMemoryStore();
    const [one, other] = [await open(store), await open(store)];
    await one.commit([put('a')]);
    expect((await other.get('things', 'a'))!.value).toEqual(secret);
    await Promise.all([one.commit([put('b')]), other.commit([put('c')])]);
    expect(await one.list('things')).toHaveLength(3);
  });
});
