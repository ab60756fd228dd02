import { GatewayError, type Store, type StoreChange, type StoreOperation } from '@signalbox/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryStore } from '../store/memory-store.ts';
import { modelCommands, type Model } from './store-model.ts';

export interface BehaviourOptions {
  /** Opens a store that nobody else uses, empty unless it was opened before with this name. */
  readonly open: (name: string) => Promise<Store>;
  /** Whether a second store of the same name is the same data. */
  readonly isShared: boolean;
  /** Runs of the property that compares a store with the model. */
  readonly runs?: number;
}

let count = 0;

/** What every store does, whatever it is made of. */
export function describeStore(name: string, { open, isShared, runs = 30 }: BehaviourOptions): void {
  const withStore = async (run: (store: Store, again: () => Promise<Store>) => Promise<void>): Promise<void> => {
    const place = `t${process.pid}_${(count += 1)}`;
    const opened: Store[] = [];
    const again = async () => {
      const store = await open(place);
      opened.push(store);
      return store;
    };
    try {
      await run(await again(), again);
    } finally {
      await Promise.all(opened.map((store) => store.close()));
    }
  };

  describe(`a ${name} store`, () => {
    test('keeps what is put and forgets what is deleted', () =>
      withStore(async (store) => {
        expect(await store.get('things', 'a')).toBeUndefined();
        const [version] = await store.commit([put('a', 'one')]);
        expect(version).toBeGreaterThanOrEqual(1);
        expect(await store.get('things', 'a')).toEqual({ key: 'a', value: Buffer.from('one'), version });
        expect(await store.get('others', 'a')).toBeUndefined();
        expect(await store.commit([{ kind: 'delete', collection: 'things', key: 'a' }])).toEqual([0]);
        expect(await store.get('things', 'a')).toBeUndefined();
        expect(await store.commit([])).toEqual([]);
      }));

    test('keeps any bytes: none, binary, and a mebibyte', () =>
      withStore(async (store) => {
        const values = [Buffer.alloc(0), Buffer.from([0, 255, 1, 254, 0x3a]), Buffer.alloc(1024 * 1024, 'x\0y')];
        await store.commit(values.map((value, index) => ({ kind: 'put', collection: 'things', key: `k${index}`, value })));
        await store.commit([{ kind: 'append', log: 'log', values }]);
        for (const kept of [await store.list('things'), await store.read('log')])
          expect(kept.map(({ value }, index) => value.equals(values[index]!))).toEqual([true, true, true]);
      }));

    test('lists keys in the order of their UTF-8 bytes, by prefix, behind a key, up to a limit', () =>
      withStore(async (store) => {
        const keys = [
          'a',
          'a\u{10ffff}',
          'a\u{10ffff}b',
          'aa',
          'ab',
          'b',
          'B',
          'é',
          '\uffee',
          '\u{1f600}',
          'Ω',
          'a b',
          'a/b',
          "'",
          '%',
          '_',
          ' ',
        ];
        await store.commit(keys.toReversed().map((key) => put(key, key)));
        await store.commit([{ kind: 'put', collection: 'others', key: 'x', value: Buffer.from('x') }]);
        const sorted = keys.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
        const list = async (options?: Parameters<Store['list']>[1]) => (await store.list('things', options)).map(({ key }) => key);
        expect(await list()).toEqual(sorted);
        for (const prefix of ['a', 'a\u{10ffff}', 'é', '\u{1f600}', '%', 'none'])
          expect(await list({ prefix })).toEqual(sorted.filter((key) => key.startsWith(prefix)));
        expect(await list({ after: 'a b' })).toEqual(sorted.slice(sorted.indexOf('a b') + 1));
        expect(await list({ prefix: 'a', after: 'a b' })).toEqual(
          sorted.filter((key) => key.startsWith('a') && sorted.indexOf(key) > sorted.indexOf('a b')),
        );
        expect(await list({ after: 'zzzz\u{10ffff}' })).toEqual(sorted.filter((key) => Buffer.from(key)[0]! > 0x7f));
        expect(await list({ limit: 3 })).toEqual(sorted.slice(0, 3));
        expect(await list({ limit: 0 })).toEqual([]);
        expect(await store.list('empty')).toEqual([]);
      }));

    test('lists a thousand entries unless told otherwise', () =>
      withStore(async (store) => {
        await store.commit(Array.from({ length: 1001 }, (_, index) => put(`k${index}`, '')));
        expect(await store.list('things')).toHaveLength(1000);
        expect(await store.list('things', { limit: 2000 })).toHaveLength(1001);
      }));

    test('refuses a change whose precondition fails, and everything that belongs to it', () =>
      withStore(async (store) => {
        const [version] = await store.commit([put('a', 'one')]);
        const refused = [
          { change: { ...put('a', 'x'), ifVersion: 0 }, found: version },
          { change: { ...put('a', 'x'), ifVersion: version! + 1 }, found: version },
          { change: { ...put('b', 'x'), ifVersion: 7 }, found: 0 },
          { change: { kind: 'delete', collection: 'things', key: 'a', ifVersion: version! + 1 }, found: version },
          { change: { kind: 'append', log: 'taken', values: [Buffer.from('x')], ifNext: 9 }, found: 2 },
        ] as const;
        await store.commit([append('taken', 'first')]);
        for (const { change, found } of refused) {
          const before = await snapshot(store);
          const error = await store.commit([put('c', 'x'), append('log', 'x'), change as StoreOperation]).catch((cause: unknown) => cause);
          expect(error).toBeInstanceOf(GatewayError);
          expect(error).toMatchObject({ code: 'STALE', data: { operation: 2, found } });
          expect(await snapshot(store)).toEqual(before);
        }
        expect(
          await store.commit([
            { ...put('b', 'new'), ifVersion: 0 },
            { ...put('a', 'two'), ifVersion: version! },
          ]),
        ).toHaveLength(2);
        const { version: newest } = (await store.get('things', 'a'))!;
        await store.commit([{ kind: 'delete', collection: 'things', key: 'a', ifVersion: newest }]);
        expect(await store.get('things', 'a')).toBeUndefined();
        await store.commit([{ kind: 'delete', collection: 'things', key: 'a', ifVersion: 0 }]);
      }));

    test('sees what was changed before within one commit', () =>
      withStore(async (store) => {
        await expect(store.commit([put('a', 'x'), { ...put('a', 'y'), ifVersion: 0 }])).rejects.toMatchObject({ code: 'STALE' });
        await store.commit([put('a', 'x'), { kind: 'delete', collection: 'things', key: 'a' }, { ...put('a', 'y'), ifVersion: 0 }]);
        expect((await store.get('things', 'a'))!.value.toString()).toBe('y');
        const numbers = await store.commit([
          append('log', 'a', 'b'),
          { ...append('log', 'c'), ifNext: 3 },
          { kind: 'trim', log: 'log', before: 2 },
        ]);
        expect(numbers).toEqual([1, 3, 0]);
        expect(await texts(store, 'log')).toEqual(['2:b', '3:c']);
      }));

    test('never repeats a version of a key', () =>
      withStore(async (store, again) => {
        const seen = new Set<number>();
        for (let round = 0; round < 20; round++) {
          const from = isShared && round % 5 === 0 ? await again() : store;
          const [version] = await from.commit([put('a', String(round))]);
          expect(seen.has(version!)).toBe(false);
          seen.add(version!);
          if (round % 2 === 0) await from.commit([{ kind: 'delete', collection: 'things', key: 'a' }]);
        }
      }));

    test('lets exactly one of many win a compare-and-set', () =>
      withStore(async (store, again) => {
        const stores = isShared ? [store, await again()] : [store];
        let { version } = { version: 0 };
        for (let round = 0; round < 5; round++) {
          const attempts = Array.from({ length: 16 }, (_, index) =>
            stores[index % stores.length]!.commit([{ ...put('a', String(index)), ifVersion: version }, append('wins', String(index))]),
          );
          const outcomes = await Promise.allSettled(attempts);
          expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
          const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as GatewayError).code] : []));
          expect(refusals).toEqual(Array.from({ length: 15 }, () => 'STALE'));
          ({ version } = (await store.get('things', 'a'))!);
        }
        expect(await store.span('wins')).toEqual({ log: 'wins', first: 1, last: 5 });
      }));

    test('gives appended entries sequences without gaps, whoever appends', () =>
      withStore(async (store, again) => {
        const stores = isShared ? [store, await again()] : [store];
        const commits = Array.from({ length: 60 }, (_, index) =>
          stores[index % stores.length]!.commit([
            append('log', ...Array.from({ length: 1 + (index % 3) }, (_, part) => `${index}.${part}`)),
          ]),
        );
        const firsts = (await Promise.all(commits)).map(([first]) => first!);
        const entries = await store.read('log');
        expect(entries.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
        for (const [index, first] of firsts.entries()) expect(entries[first - 1]!.value.toString()).toBe(`${index}.0`);
      }));

    test('reads a log from either end', () =>
      withStore(async (store) => {
        await store.commit([append('log', 'a', 'b', 'c', 'd', 'e')]);
        expect(await texts(store, 'log', { from: 3 })).toEqual(['3:c', '4:d', '5:e']);
        expect(await texts(store, 'log', { from: 2, limit: 2 })).toEqual(['2:b', '3:c']);
        expect(await texts(store, 'log', { newestFirst: true, limit: 2 })).toEqual(['5:e', '4:d']);
        expect(await texts(store, 'log', { newestFirst: true, from: 3 })).toEqual(['3:c', '2:b', '1:a']);
        expect(await texts(store, 'log', { limit: 0 })).toEqual([]);
        expect(await texts(store, 'log', { from: 9 })).toEqual([]);
        expect(await texts(store, 'nothing')).toEqual([]);
      }));

    test('trims a log and keeps the sequences of the rest', () =>
      withStore(async (store, again) => {
        await store.commit([{ kind: 'trim', log: 'log', before: 3 }]);
        expect(await store.span('log')).toEqual({ log: 'log', first: 1, last: 0 });
        await store.commit([append('log', 'a', 'b', 'c')]);
        await store.commit([{ kind: 'trim', log: 'log', before: 3 }]);
        expect(await store.span('log')).toEqual({ log: 'log', first: 3, last: 3 });
        expect(await texts(store, 'log')).toEqual(['3:c']);
        await store.commit([{ kind: 'trim', log: 'log', before: 1 }]);
        await store.commit([{ kind: 'trim', log: 'log', before: 99 }]);
        expect(await store.span('log')).toEqual({ log: 'log', first: 4, last: 3 });
        const other = isShared ? await again() : store;
        expect(await other.commit([append('log', 'd')])).toEqual([4]);
        expect(await texts(store, 'log')).toEqual(['4:d']);
      }));

    test('begins a log at the sequence asked for, once', () =>
      withStore(async (store) => {
        expect(await store.commit([{ ...append('log', 'a', 'b'), ifNext: 41 }, append('log', 'c')])).toEqual([41, 43]);
        expect(await store.span('log')).toEqual({ log: 'log', first: 41, last: 43 });
        expect(await texts(store, 'log')).toEqual(['41:a', '42:b', '43:c']);
        await store.commit([{ kind: 'trim', log: 'log', before: 99 }]);
        await expect(store.commit([{ ...append('log', 'd'), ifNext: 50 }])).rejects.toMatchObject({ code: 'STALE', data: { found: 44 } });
        await expect(store.commit([{ ...append('fresh', 'd'), ifNext: 0 }])).rejects.toMatchObject({ code: 'INTERNAL' });
      }));

    test('forgets a log whole, which may then begin anew', () =>
      withStore(async (store, again) => {
        await store.commit([append('log', 'a', 'b'), { kind: 'forget', log: 'never' }]);
        await store.commit([append('log', 'c'), { kind: 'forget', log: 'log' }]);
        expect(await store.span('log')).toEqual({ log: 'log', first: 1, last: 0 });
        expect(await store.names()).toEqual({ collections: [], logs: [] });
        await store.commit([append('log', 'x'), { kind: 'forget', log: 'log' }, { ...append('log', 'y'), ifNext: 7 }]);
        const other = isShared ? await again() : store;
        expect(await other.commit([append('log', 'z')])).toEqual([8]);
        expect(await texts(store, 'log')).toEqual(['7:y', '8:z']);
      }));

    test('names what is in use', () =>
      withStore(async (store) => {
        expect(await store.names()).toEqual({ collections: [], logs: [] });
        await store.commit([put('a', '1'), append('log.b', 'x'), append('log-a', 'x')]);
        await store.commit([{ kind: 'put', collection: 'gone', key: 'a', value: Buffer.alloc(0) }]);
        await store.commit([{ kind: 'delete', collection: 'gone', key: 'a' }]);
        await store.commit([
          { kind: 'delete', collection: 'never', key: 'a' },
          { kind: 'trim', log: 'never', before: 5 },
        ]);
        await store.commit([{ kind: 'trim', log: 'log.b', before: 5 }]);
        expect(await store.names()).toEqual({ collections: ['things'], logs: ['log-a', 'log.b'] });
      }));

    test('refuses names and keys that not every driver could keep', () =>
      withStore(async (store) => {
        const bad = { code: 'INTERNAL' };
        for (const name of ['', 'A', 'a b', 'ä', 'x'.repeat(101), '../up']) {
          await expect(store.get(name, 'a')).rejects.toMatchObject(bad);
          await expect(store.list(name)).rejects.toMatchObject(bad);
          await expect(store.read(name)).rejects.toMatchObject(bad);
          await expect(store.span(name)).rejects.toMatchObject(bad);
          await expect(store.commit([{ ...put('a', ''), collection: name }])).rejects.toMatchObject(bad);
          await expect(store.commit([append(name, 'x')])).rejects.toMatchObject(bad);
        }
        for (const key of ['', 'x'.repeat(513), 'é'.repeat(257), 'a\0b', '\ud800']) {
          await expect(store.get('things', key)).rejects.toMatchObject(bad);
          await expect(store.commit([put('good', ''), put(key, '')])).rejects.toMatchObject(bad);
        }
        for (const text of ['a\0', '\udfff']) await expect(store.list('things', { prefix: text })).rejects.toMatchObject(bad);
        await expect(store.commit([{ kind: 'append', log: 'log', values: [] }])).rejects.toMatchObject(bad);
        expect(await store.get('things', 'good')).toBeUndefined();
        await store.commit([put('x'.repeat(512), 'long'), { ...put('a', ''), collection: 'x'.repeat(100) }]);
        expect(await store.get('things', 'x'.repeat(512))).toBeDefined();
      }));

    test('tells watchers what has changed until they stop', () =>
      withStore(async (store, again) => {
        const other = isShared ? await again() : store;
        const seen = { collections: new Set<string>(), logs: new Set<string>() };
        let calls = 0;
        const listener = ({ collections, logs }: StoreChange) => {
          calls += 1;
          for (const name of collections) seen.collections.add(name);
          for (const name of logs) seen.logs.add(name);
        };
        const stop = store.watch(listener);
        await store.commit([put('a', 'x')]);
        await expect.poll(() => [...seen.collections], { timeout: 3000, interval: 10 }).toEqual(['things']);
        await other.commit([append('log', 'x'), { kind: 'delete', collection: 'others', key: 'none' }]);
        await expect.poll(() => [...seen.logs], { timeout: 3000, interval: 10 }).toEqual(['log']);
        stop();
        const before = calls;
        await store.commit([put('b', 'x')]);
        await new Promise((resolve) => setTimeout(resolve, 30));
        expect(calls).toBe(before);
      }));

    test('waits at its end for commits under way and refuses later ones', () =>
      withStore(async (store, again) => {
        const under = [store.commit([put('a', 'x')]), store.commit([put('b', 'x')])];
        await store.close();
        await store.close();
        expect(await Promise.allSettled(under)).toMatchObject([{ status: 'fulfilled' }, { status: 'fulfilled' }]);
        const refusal = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('closed') as string };
        await expect(store.commit([put('a', 'x')])).rejects.toMatchObject(refusal);
        await expect(store.get('things', 'a')).rejects.toMatchObject(refusal);
        expect(store.health()).toMatchObject({ kind: store.kind, state: 'away' });
        if (!isShared) return;
        const reopened = await again();
        expect((await reopened.list('things')).map(({ key }) => key)).toEqual(['a', 'b']);
        expect(reopened.health()).toEqual({ kind: store.kind, state: 'ok', reason: undefined });
      }));

    test('does what the memory store does, whatever is asked of it', { timeout: 60_000 }, () =>
      fc.assert(
        fc.asyncProperty(modelCommands, (commands) =>
          withStore(async (real, again) => {
            const model = createMemoryStore();
            const state: Model = { real, model, reopen: isShared ? again : undefined };
            for (const command of commands) await command(state);
            expect(await snapshot(state.real)).toEqual(await snapshot(model));
          }),
        ),
        { numRuns: runs },
      ),
    );
  });
}

/** Everything in a store but the versions, which are each driver's own. */
async function snapshot(store: Store) {
  const { collections, logs } = await store.names();
  const entries = await Promise.all(collections.map((name) => store.list(name)));
  const records = await Promise.all(logs.map((name) => store.read(name)));
  return {
    collections,
    entries: entries.map((list) => list.map(({ key, value }) => [key, value.toString('hex')])),
    records: records.map((list) => list.map(({ sequence, value }) => [sequence, value.toString('hex')])),
    spans: await Promise.all(logs.map((name) => store.span(name))),
  };
}

async function texts(store: Store, log: string, options?: Parameters<Store['read']>[1]): Promise<string[]> {
  return (await store.read(log, options)).map(({ sequence, value }) => `${sequence}:${value.toString()}`);
}

function put(key: string, text: string) {
  return { kind: 'put', collection: 'things', key, value: Buffer.from(text) } as const;
}

function append(log: string, ...values: string[]) {
  return { kind: 'append', log, values: values.map((text) => Buffer.from(text)) } as const;
}
