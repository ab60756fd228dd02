import { toGatewayError } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMemoryFile } from '../testing/memory-file.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { openState } from './open-state.ts';
import { applyOperations, operationsBetween, type StateOperation } from './state-entry.ts';
import { foldState, NO_STATE, toBytes, type StateEvent } from './state-event.ts';
import { isSameJson } from './state-log.ts';

const owner = { by: 'local', isOwner: true };
const name = fc.constantFrom('a', 'b', 'c.d', 'c');
const value = fc.record({ command: fc.constantFrom('node', 'deno'), args: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }) });

const operation: fc.Arbitrary<StateOperation> = fc.oneof(
  fc.record({ op: fc.constant('set' as const), path: name.map((each) => ['mcpServers', each]), value }),
  fc.record({ op: fc.constant('set' as const), path: name.map((each) => ['mcpServers', each, 'disabled']), value: fc.boolean() }),
  fc.record({ op: fc.constant('remove' as const), path: name.map((each) => ['mcpServers', each]) }),
  fc.record({ op: fc.constant('remove' as const), path: name.map((each) => ['mcpServers', each, 'disabled']) }),
);
const operations = fc.array(operation, { maxLength: 12 });

test('there is always a way from one list of entries to another', () => {
  fc.assert(
    fc.property(operations, operations, (left, right) => {
      const [before, after] = [applyOperations([], left), applyOperations([], right)];
      expect(applyOperations(before, operationsBetween(before, after, isSameJson))).toEqual(after);
    }),
  );
});

test('folding in parts is folding at once', () => {
  const facts = fc.array(fc.record({ operations, restarts: fc.array(name, { maxLength: 2 }) }), { maxLength: 10 });
  fc.assert(
    fc.property(facts, fc.nat(10), (given, cut) => {
      const events = given.map((fact, index): StateEvent => ({ ...fact, version: index + 1, atMs: 0, by: 'x', action: 'config.change' }));
      const fold = (from: typeof NO_STATE, some: readonly StateEvent[]) => some.reduce(foldState, from);
      const kept = JSON.parse(toBytes(fold(NO_STATE, events.slice(0, cut))).toString()) as typeof NO_STATE;
      expect(toBytes(fold(kept, events.slice(cut)))).toEqual(toBytes(fold(NO_STATE, events)));
    }),
  );
});

type Turn =
  | { readonly kind: 'api'; readonly name: string; readonly isSet: boolean; readonly arg: string }
  | { readonly kind: 'file'; readonly names: readonly string[]; readonly arg: string }
  | { readonly kind: 'restart'; readonly name: string }
  | { readonly kind: 'rollback'; readonly back: number };

const short = fc.constantFrom('a', 'b', 'c', 'd');
const turn: fc.Arbitrary<Turn> = fc.oneof(
  fc.record({ kind: fc.constant('api' as const), name: short, isSet: fc.boolean(), arg: fc.constantFrom('1', '2') }),
  fc.record({ kind: fc.constant('file' as const), names: fc.uniqueArray(short), arg: fc.constantFrom('3', '4') }),
  fc.record({ kind: fc.constant('restart' as const), name: short }),
  fc.record({ kind: fc.constant('rollback' as const), back: fc.integer({ min: 1, max: 5 }) }),
);

const textOf = (names: readonly string[], arg: string) =>
  JSON.stringify({ mcpServers: Object.fromEntries(names.map((each) => [each, { command: 'node', args: [arg] }])) });

test('whatever file and API do in any order, each keeps what is its own, and the log adds up to what applies', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 12 }), async (turns) => {
      const store = createMemoryStore();
      const file = createMemoryFile(textOf(['a'], '3'));
      const state = await openState({ store, file });
      const faults: string[] = [];
      const note = (isRight: boolean, what: string) => isRight || faults.push(what);
      const inFile = () => (JSON.parse(file.text!) as { mcpServers: Record<string, { args: string[] }> }).mcpServers;
      const take = async (each: Turn): Promise<void> => {
        if (each.kind === 'file') {
          file.text = textOf(each.names, each.arg);
          await state.reload('file changed');
        } else if (each.kind === 'restart') await state.restart(each.name, owner);
        else if (each.kind === 'rollback') {
          const version = Math.max(1, state.current.version - each.back);
          const { config } = await state.history.get(version);
          await state.rollback({ version }, owner);
          note(isSameJson(state.current.config, config), 'going back gives another configuration');
        } else {
          const path = ['mcpServers', each.name];
          const wanted = { command: 'node', args: [each.arg] };
          const isOfFile = Object.hasOwn(inFile(), each.name);
          await state.change({ operations: [each.isSet ? { op: 'set', path, value: wanted } : { op: 'remove', path }] }, owner);
          note(!isOfFile, 'the API changed what the file owns');
        }
      };
      for (const each of turns) {
        const before = state.current;
        const code = await take(each).then(
          () => undefined,
          (error: unknown) => toGatewayError(error).code,
        );
        note(code === undefined || (['CONFLICT', 'UNKNOWN_NAME'].includes(code) && state.current === before), `failed as ${code}`);
        for (const [key, { args }] of Object.entries(inFile()))
          note(isSameJson(state.current.config.mcpServers[key]?.args, args), 'the file does not apply');
        for (const { path, owner: by, state: how } of state.owned())
          note(by === 'file' || how === (Object.hasOwn(inFile(), path[1]!) ? 'shadowed' : 'applied'), `an entry of the API is ${how}`);
      }
      expect(faults).toEqual([]);
      expect(await state.verify()).toMatchObject({ isSound: true, version: state.current.version });
      expect((await openState({ store, file })).current).toEqual(state.current);
    }),
    { numRuns: 60 },
  );
});

test('of two writers who decide at one version, one wins', async () => {
  const turns = fc.array(fc.record({ who: fc.nat(1), name: short }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(turns, async (given) => {
      const store = createMemoryStore();
      const file = createMemoryFile(textOf([], '3'));
      const states = [await openState({ store, file }), await openState({ store, file })] as const;
      const ifVersion = 1;
      const outcomes = await Promise.allSettled(
        given.map(({ who, name: each }, index) =>
          states[who]!.change(
            { operations: [{ op: 'set', path: ['mcpServers', each], value: { command: `c${index}` } }], ifVersion },
            owner,
          ),
        ),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [toGatewayError(outcome.reason).code] : []));
      expect(reasons).toEqual(reasons.map(() => 'STALE'));
      expect(await states[0].history.list({ limit: 10 })).toMatchObject({ events: { length: 2 } });
    }),
    { numRuns: 50 },
  );
});

test('changes of several writers without a version all happen, each once', async () => {
  const store = createMemoryStore();
  const file = createMemoryFile(textOf([], '3'));
  const states = await Promise.all([1, 2, 3].map(() => openState({ store, file })));
  await Promise.all(
    states.map((state, index) =>
      state.change({ operations: [{ op: 'set', path: `mcpServers.s${index}`, value: { command: 'x' } }] }, owner),
    ),
  );
  const last = await openState({ store, file });
  expect([...last.current.upstreams.keys()].toSorted()).toEqual(['s0', 's1', 's2']);
  expect(last.current.version).toBe(4);
});
