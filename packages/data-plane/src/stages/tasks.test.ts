import { expect, test } from 'vitest';
import { Cancellation, type ClientProfile, type Outcome } from '@signalbox/core';
import { toParams } from '@signalbox/protocol';
import type { Tasks } from '../tasks/tasks.ts';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedCall } from './call-stages.ts';
import { carryTasks } from './tasks.ts';

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const CORE = { revision: '2025-11-25', capabilities: { tasks: { requests: { tools: { call: {} } } } } };
const EXTENSION = { revision: '2026-07-28', capabilities: TASKS };
const refusal: Outcome = { kind: 'error', error: { code: -32603, message: 'no' } };

/** Sends one call through the stage and returns it as it goes on to the first of these servers. */
async function pass(servers: readonly (object | undefined)[], call: object): Promise<TargetedCall> {
  let passed: TargetedCall | undefined;
  const names = servers.map((_, index) => `server-${index}`);
  const stage = carryTasks({
    upstream: (name) => ({ manifest: servers[names.indexOf(name)] }) as Upstream,
    tasks: {} as Tasks,
    clock: undefined as never,
  });
  const targets = names.map((upstream) => ({
    upstream,
    name: 'work',
    definition: { name: 'work', inputSchema: {}, execution: { taskSupport: 'required' } },
  }));
  const given = {
    method: 'tools/call',
    cancellation: new Cancellation(),
    trace: {},
    ask: () => Promise.resolve(refusal),
    target: targets[0],
    fallbacks: targets.slice(1),
    ...call,
  };
  await stage(given as unknown as TargetedCall, (next) => {
    passed = next;
    return refusal;
  });
  return passed!;
}

const client = (revision: string, capabilities = {}): ClientProfile => ({ revision, info: undefined, capabilities, logLevel: 'off' });
const modern = { client: client('2026-07-28', TASKS), params: toParams({ name: 'work' }) };
const handshake = { client: client('2025-11-25'), params: toParams({ name: 'work', task: {} }) };

test('a call that becomes a task of the other generation goes over the shared connection, where it is found again', async () => {
  const crossed = await pass([CORE], modern);
  expect([crossed.ask, crossed.params.get('task')?.value, crossed.taskEnd?.reason]).toEqual([undefined, {}, 'there is no task']);
  expect((await pass([CORE], handshake)).ask).toBeDefined();
  expect((await pass([EXTENSION], modern)).ask).toBeDefined();
});

test('a server that cannot be asked in the same words does not take the place of another', async () => {
  const fallbacksOf = async (call: object) =>
    (await pass([CORE, EXTENSION, CORE, undefined], call)).fallbacks.map(({ upstream }) => upstream);
  expect(await fallbacksOf(handshake)).toEqual(['server-2']);
  expect(await fallbacksOf({ ...handshake, params: toParams({ name: 'work' }) })).toEqual(['server-1', 'server-2', 'server-3']);
});

test('a modern server is told that a handshake client takes a task, and only then', async () => {
  expect((await pass([EXTENSION], handshake)).offersTask).toBe(true);
  expect((await pass([EXTENSION], modern)).offersTask).toBe(false);
  expect((await pass([{ ...EXTENSION, capabilities: {} }], handshake)).offersTask).toBeUndefined();
});

test('a large result may flow while it arrives where no task has to be made of it', async () => {
  const sink = {};
  expect((await pass([EXTENSION], { ...modern, sink })).sink).toBe(sink);
  expect((await pass([EXTENSION], { ...handshake, params: toParams({ name: 'work' }), sink })).sink).toBe(sink);
  for (const [server, call] of [
    [EXTENSION, handshake],
    [CORE, handshake],
    [CORE, modern],
  ] as const)
    expect((await pass([server], { ...call, sink })).sink).toBeUndefined();
});
