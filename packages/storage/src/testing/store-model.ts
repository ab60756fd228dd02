import assert from 'node:assert/strict';
import { GatewayError, type Store, type StoreOperation } from '@signalbox/core';
import fc from 'fast-check';

/** A store and the memory store that says what is right. */
export interface Model {
  real: Store;
  readonly model: Store;
  readonly reopen: (() => Promise<Store>) | undefined;
}

type Command = (state: Model) => Promise<void>;

const collections = fc.constantFrom('c1', 'c2');
const logs = fc.constantFrom('l1', 'l2');
const keys = fc.constantFrom('a', 'b', 'ab', 'é', '\u{1f600}');
const values = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes));
/** Whether a precondition is there, and whether it will hold. */
const precondition = fc.constantFrom('none', 'none', 'right', 'wrong', 'absent');

const planned = fc.oneof(
  fc.record({ kind: fc.constant('put' as const), collection: collections, key: keys, value: values, precondition }),
  fc.record({ kind: fc.constant('delete' as const), collection: collections, key: keys, precondition }),
  fc.record({ kind: fc.constant('append' as const), log: logs, values: fc.array(values, { minLength: 1, maxLength: 4 }), precondition }),
  fc.record({ kind: fc.constant('forget' as const), log: logs }),
  fc.record({ kind: fc.constant('trim' as const), log: logs, before: fc.integer({ min: 0, max: 12 }) }),
);

const commits = fc.array(planned, { minLength: 1, maxLength: 5 }).map((plan): Command => {
  return async ({ real, model }) => {
    const [there, here] = await Promise.all(
      [real, model].map(async (store) => {
        const operations = await Promise.all(plan.map((operation) => complete(operation, store)));
        return store.commit(operations).catch((error: unknown) => error);
      }),
    );
    if (here instanceof Error) {
      assert(there instanceof GatewayError && there.code === 'STALE', there as Error);
      assert.equal(there.data!['operation'], (here as GatewayError).data!['operation']);
      return;
    }
    // Versions are each driver's own; sequences are not.
    const shown = (numbers: unknown) =>
      (numbers as readonly number[]).map((number, index) => (plan[index]!.kind === 'put' ? number > 0 : number));
    assert.deepEqual(shown(there), shown(here));
  };
});

const readings = fc
  .record({
    log: logs,
    options: fc.record(
      { from: fc.integer({ min: 0, max: 12 }), limit: fc.integer({ min: 0, max: 5 }), newestFirst: fc.boolean() },
      { requiredKeys: [] },
    ),
  })
  .map(
    ({ log, options }): Command =>
      async ({ real, model }) =>
        assert.deepEqual(await real.read(log, options), await model.read(log, options)),
  );

const listings = fc
  .record({
    collection: collections,
    options: fc.record({ prefix: fc.constantFrom('', 'a', 'é'), after: keys, limit: fc.integer({ min: 0, max: 3 }) }, { requiredKeys: [] }),
  })
  .map(({ collection, options }): Command => async ({ real, model }) => {
    const plain = async (store: Store) => (await store.list(collection, options)).map(({ key, value }) => [key, value]);
    assert.deepEqual(await plain(real), await plain(model));
  });

const reopenings = fc.constant(null).map((): Command => async (state) => {
  if (state.reopen === undefined) return;
  await state.real.close();
  state.real = await state.reopen();
});

/** Things to do to both, one after another. */
export const modelCommands = fc.array(
  fc.oneof(
    { arbitrary: commits, weight: 8 },
    { arbitrary: readings, weight: 2 },
    { arbitrary: listings, weight: 2 },
    { arbitrary: reopenings, weight: 1 },
  ),
  { maxLength: 25 },
);

type Planned = typeof planned extends fc.Arbitrary<infer Value> ? Value : never;

async function complete(operation: Planned, store: Store): Promise<StoreOperation> {
  if (operation.kind === 'trim' || operation.kind === 'forget') return operation;
  const { precondition, ...rest } = operation;
  if (precondition === 'none') return rest;
  if (rest.kind === 'append') {
    const next = (await store.span(rest.log)).last + 1;
    return { ...rest, ifNext: { right: next, wrong: next + 1, absent: 1 }[precondition] };
  }
  const version = (await store.get(rest.collection, rest.key))?.version ?? 0;
  return { ...rest, ifVersion: { right: version, wrong: version + 1, absent: 0 }[precondition] };
}
