import { parseGatewayConfig, silentLogger, type Logger, type Snapshot } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDesiredState } from './desired-state.ts';

const server = (extra: Record<string, unknown> = {}) => ({ command: 'node', ...extra });
const config = (mcpServers: Record<string, unknown>, extra: Record<string, unknown> = {}) => parseGatewayConfig({ mcpServers, ...extra });
const reason = 'test';

test('the first snapshot holds every entry in configuration order, switched-off ones too', () => {
  const state = createDesiredState({ initial: config({ b: server(), a: server({ disabled: true }) }) });
  expect(state.current.version).toBe(1);
  expect([...state.current.upstreams.keys()]).toEqual(['b', 'a']);
  expect(state.current.upstreams.get('a')?.config.disabled).toBe(true);
});

test('only what changed is a new object', () => {
  const state = createDesiredState({ initial: config({ a: server(), b: server() }) });
  const before = state.current;
  const diff = state.apply(config({ c: server(), b: server({ args: ['x'] }), a: server() }), { reason });
  expect(diff).toMatchObject({ added: ['c'], changed: ['b'], unchanged: ['a'] });
  expect(state.current.version).toBe(2);
  expect([...state.current.upstreams.keys()]).toEqual(['c', 'b', 'a']);
  expect(state.current.upstreams.get('a')).toBe(before.upstreams.get('a'));
  expect(state.current.upstreams.get('b')).not.toBe(before.upstreams.get('b'));
  expect([...before.upstreams.keys()]).toEqual(['a', 'b']);
});

test('applying what is there already tells nobody', () => {
  const state = createDesiredState({ initial: config({ a: server() }) });
  const { current } = state;
  state.watch(() => {
    throw new Error('told');
  });
  expect(state.apply(config({ a: server() }), { reason }).unchanged).toEqual(['a']);
  expect(state.current).toBe(current);
});

test('watchers see each change once, with the snapshot before, until they stop', () => {
  const state = createDesiredState({ initial: config({}) });
  const seen: [number, number][] = [];
  const stop = state.watch((next, previous) => seen.push([next.version, previous.version]));
  state.apply(config({ a: server() }), { reason });
  state.apply(config({}), { reason });
  stop();
  state.apply(config({ b: server() }), { reason });
  expect(seen).toEqual([
    [2, 1],
    [3, 2],
  ]);
});

test('a watcher that causes a change or fails does not disturb what the others see', () => {
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (message) => errors.push(message) };
  const state = createDesiredState({ initial: config({ a: server() }), logger });
  state.watch((next) => {
    if (next.version === 2) state.restart('a');
  });
  state.watch((next) => {
    if (next.version === 2) throw new Error('out of order');
  });
  const seen: Snapshot[] = [];
  state.watch((next) => seen.push(next));
  state.apply(config({ a: server(), b: server() }), { reason });
  expect(seen.map((snapshot) => snapshot.version)).toEqual([2, 3]);
  expect(errors).toEqual(['Cannot follow the change to version 2: out of order']);
});

test('a change that was decided at another version changes nothing', () => {
  const state = createDesiredState({ initial: config({ a: server() }) });
  state.restart('a', { ifVersion: 1 });
  const { current } = state;
  const stale = expect.objectContaining({ code: 'STALE', data: { version: 2, ifVersion: 1 } }) as Error;
  expect(() => state.restart('a', { ifVersion: 1 })).toThrow(stale);
  expect(() => state.apply(config({}), { reason, ifVersion: 1 })).toThrow(stale);
  expect(state.current).toBe(current);
  state.apply(config({}), { reason, ifVersion: 2 });
  expect(state.current.version).toBe(3);
});

test('of any order of changes by several who look first, each happens once or conflicts', () => {
  const turns = fc.array(fc.record({ who: fc.nat(3), act: fc.constantFrom('look', 'restart', 'apply') }), { maxLength: 60 });
  fc.assert(
    fc.property(turns, (given) => {
      const state = createDesiredState({ initial: config({ a: server() }) });
      const seen = [1, 1, 1, 1];
      const attempt = (change: () => void): boolean => {
        try {
          change();
          return true;
        } catch {
          return false;
        }
      };
      const turn = ({ who, act }: (typeof given)[number], index: number): { readonly isRight: boolean } => {
        const ifVersion = seen[who]!;
        const before = state.current;
        if (act === 'look') seen[who] = before.version;
        const changed =
          act === 'restart'
            ? attempt(() => state.restart('a', { ifVersion }))
            : act === 'apply' && attempt(() => state.apply(config({ a: server({ args: [`${index}`] }) }), { reason, ifVersion }));
        const shouldChange = act !== 'look' && ifVersion === before.version;
        return { isRight: changed === shouldChange && state.current.version === before.version + (changed ? 1 : 0) };
      };
      expect(given.map(turn).every(({ isRight }) => isRight)).toBe(true);
    }),
  );
});

test('a restart raises the generation of one upstream and keeps the order', () => {
  const state = createDesiredState({ initial: config({ a: server(), b: server(), c: server() }) });
  const before = state.current;
  state.restart('b');
  expect(state.current.upstreams.get('b')).toMatchObject({ name: 'b', generation: 1 });
  expect(state.current.upstreams.get('b')?.config).toBe(before.upstreams.get('b')?.config);
  expect(state.current.upstreams.get('a')).toBe(before.upstreams.get('a'));
  expect([...state.current.upstreams.keys()]).toEqual(['a', 'b', 'c']);
  state.apply(config({ a: server(), b: server({ args: ['x'] }), c: server() }), { reason });
  expect(state.current.upstreams.get('b')?.generation).toBe(1);
});

test('a restart that means nothing is refused', () => {
  const state = createDesiredState({ initial: config({ github: server(), off: server({ disabled: true }) }) });
  expect(() => state.restart('githb')).toThrow('There is no upstream "githb"; did you mean "github"?');
  expect(() => state.restart('xyz')).toThrow('There is no upstream "xyz"; configured are "github", "off"');
  expect(() => state.restart('off')).toThrow('Cannot restart "off": its configuration says "disabled"');
  expect(state.current.version).toBe(1);
});

test('a setting read at start waits for its restart until it is taken back', () => {
  const state = createDesiredState({ initial: config({}) });
  expect(state.apply(config({}, { listen: { port: 9000 } }), { reason }).needsRestart).toEqual(['listen.port']);
  expect(state.apply(config({ a: server() }, { listen: { port: 9000 } }), { reason }).needsRestart).toEqual(['listen.port']);
  expect(state.apply(config({ a: server() }), { reason }).needsRestart).toEqual([]);
});
