import { Cancellation, GatewayError, RawJson, type Notification, type Outcome, type Request } from '@signalbox/core';
import { expect, test } from 'vitest';
import { openMemory } from './open-memory.ts';
import type { OutgoingRequest, RequestHandler } from './peer.ts';

const done: Outcome = {
  kind: 'result',
  result: RawJson.fromValue({ content: [] }),
  resultType: 'complete',
  isError: false,
  revision: '2026-07-28',
};

function module(request: RequestHandler['request']) {
  const state = { listeners: new Set<(notification: Notification) => void>(), uris: new Set<string>() };
  const handler: RequestHandler = {
    describe: () => ({ info: { name: 'time', version: '1' }, capabilities: { tools: {} }, instructions: undefined }),
    request,
    watch: (listener) => {
      state.listeners.add(listener);
      return () => state.listeners.delete(listener);
    },
    subscribe: (uri) => {
      state.uris.add(uri);
      return () => state.uris.delete(uri);
    },
  };
  return { handler, state };
}

function call(extra: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const client = { revision: '2026-07-28', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  return {
    method: 'tools/call',
    params: new Map(),
    client,
    cancellation: new Cancellation(),
    timeoutMs: 5_000,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
    ...extra,
  };
}

const open = (handler: RequestHandler, onNotification: (notification: Notification) => void = () => undefined) =>
  openMemory(handler, { upstream: 'time', onNotification });

test('an answer, a failure of the handler and a refusal of ours come through as they are', async () => {
  expect(await open(module(() => done).handler).request(call())).toBe(done);
  expect(await open(module(() => Promise.resolve(done)).handler).request(call())).toBe(done);
  const refusal = new GatewayError('INVALID_PARAMS', 'No');
  await expect(open(module(() => Promise.reject(refusal)).handler).request(call())).rejects.toBe(refusal);
  const broken = module(() => {
    throw new TypeError('x is undefined');
  });
  await expect(open(broken.handler).request(call())).rejects.toMatchObject({ code: 'INTERNAL' });
});

test('a spent budget and a cancellation reject at once, and the handler hears of them', async () => {
  const reasons: string[] = [];
  const { handler } = module((request: Request) => {
    request.cancellation.watch((reason) => reasons.push(reason));
    return new Promise<Outcome>(() => undefined);
  });
  const connection = open(handler);
  await expect(connection.request(call({ timeoutMs: 20 }))).rejects.toMatchObject({
    code: 'DEADLINE_EXCEEDED',
    data: { upstream: 'time', phase: 'call', budgetMs: 20 },
  });
  const cancellation = new Cancellation();
  const waiting = connection.request(call({ cancellation }));
  cancellation.cancel('gone');
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(connection.request(call({ cancellation }))).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(reasons).toEqual([expect.stringContaining('no answer in 20 ms'), 'gone']);
});

test('progress keeps a call alive, and none comes after its end', async () => {
  const heard: Notification[] = [];
  let emit: Request['emit'];
  const { handler } = module(async (request) => {
    ({ emit } = request);
    for (let step = 0; step < 6; step++) {
      await new Promise((resolve) => setTimeout(resolve, 40));
      emit?.({ method: 'notifications/progress', params: undefined });
    }
    return done;
  });
  const connection = open(handler);
  const cancellation = new Cancellation();
  expect(
    await connection.request(call({ timeoutMs: 120, wantsProgress: true, cancellation, emit: (notification) => heard.push(notification) })),
  ).toBe(done);
  expect(heard).toHaveLength(6);
});

test('changes are heard of until the connection is closed, which ends calls and subscriptions', async () => {
  const notifications: Notification[] = [];
  const { handler, state } = module(() => new Promise<Outcome>(() => undefined));
  const connection = open(handler, (notification) => notifications.push(notification));
  await connection.subscribe('a:b');
  await connection.subscribe('c:d');
  await connection.unsubscribe('c:d');
  expect([...state.uris]).toEqual(['a:b']);
  for (const listener of state.listeners) listener({ method: 'notifications/tools/list_changed', params: undefined });
  expect(notifications).toHaveLength(1);
  const waiting = connection.request(call());
  await connection.close();
  await expect(waiting).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: true } });
  await expect(connection.request(call())).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: false } });
  await expect(connection.ping(1)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  expect(await connection.closed).toBe('closed by the gateway');
  expect([state.listeners.size, state.uris.size]).toEqual([0, 0]);
});
