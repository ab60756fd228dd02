import { Cancellation, type Notification, type Outcome } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { until } from '../testing/http.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { createTestHandler, resultOf, type TestHandler } from '../testing/test-handler.ts';
import { startSocketServer } from '../testing/web-sockets.ts';
import type { Channel } from '../transports/channel.ts';
import { createChannelPair, type FaultPlan } from '../transports/memory.ts';
import { openChannel } from './channel-client.ts';
import { serveChannel } from './channel-server.ts';
import { LastingConnection } from './lasting-connection.ts';
import { openWebSocket } from './open-web-socket.ts';
import type { Connection, OutgoingRequest, ServerProfile } from './peer.ts';
import { createTestSeal } from '../testing/test-seal.ts';

const failureOf = (work: Promise<unknown>) => work.catch((thrown: unknown) => thrown);

const CLIENT = { name: 'gateway', version: '1' };
const turn = () =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function request(name: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const client = { revision: '2025-11-25', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  const params = toParams({ name: 'echo', arguments: { name } });
  return {
    method: 'tools/call',
    params,
    client,
    cancellation: new Cancellation(),
    timeoutMs: 60_000,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
    ...more,
  };
}

interface Options {
  readonly revision?: 'modern' | 'handshake';
  readonly handler?: TestHandler;
  readonly fault?: FaultPlan;
}

/** A server one can reach again and again over channels in memory, each of which the test can break. */
async function start({ revision = 'handshake', handler = createTestHandler(), fault }: Options = {}) {
  const clock = createTestClock();
  const ends: Channel[] = [];
  const notifications: Notification[] = [];
  const reopened: string[] = [];
  const anomalies: string[] = [];
  const gate = { open: (): Promise<void> => Promise.resolve(), profile: undefined as Partial<ServerProfile> | undefined };
  const onNotification = (notification: Notification) => notifications.push(notification);
  const open = async (): Promise<Connection> => {
    await gate.open();
    const { left, right } = createChannelPair(fault === undefined ? {} : { fault });
    ends.push(right);
    const { profile } = gate;
    const served = profile === undefined ? handler : { ...handler, describe: () => ({ ...handler.describe(), ...profile }) };
    serveChannel(right, { handler: served, seal: createTestSeal(), limits: { maxDepth: 32 } });
    return openChannel(left, {
      upstream: 'far',
      client: CLIENT,
      revision,
      handshakeMs: 1_000,
      maxMessageBytes: 1e6,
      onNotification,
      clock,
    });
  };
  const connection = new LastingConnection(await open(), {
    upstream: 'far',
    reopen: open,
    onNotification,
    clock,
    onReopened: (reason) => reopened.push(reason),
    onAnomaly: (text) => anomalies.push(text),
  });
  return {
    connection,
    clock,
    handler,
    gate,
    notifications,
    reopened,
    anomalies,
    /** How often a conversation was opened. */
    opened: () => ends.length,
    cut: () => ends.at(-1)!.close(),
    called: () => handler.requests.map(({ params }) => (params.get('arguments')?.value as { name: string } | undefined)?.name),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function textOf(outcome: Outcome): unknown {
  return outcome.kind === 'result' ? outcome.result.object : outcome.error;
}

test.each(['handshake', 'modern'] as const)('a break is bridged with a new handshake (%s)', async (revision) => {
  await using it = await start({ revision });
  expect(textOf(await it.connection.request(request('before')))).toMatchObject({ content: [{ text: '{"name":"before"}' }] });
  await it.cut();
  const [first, second] = [it.connection.request(request('a')), it.connection.request(request('b'))];
  expect(textOf(await first)).toMatchObject({ content: [{ text: '{"name":"a"}' }] });
  await second;
  expect(it.opened()).toBe(2);
  expect(it.called()).toEqual(['before', 'a', 'b']);
  expect(it.reopened).toEqual(['closed by the other side']);
});

test('what was in flight fails as maybe done, what had not left goes out once, in its order', async () => {
  // The channel breaks with the third call, after it has arrived; what is sent behind it in the same turn has not left.
  let isBroken = false;
  const fault: FaultPlan = (message) => {
    if (isBroken || !message.includes('"name":"third"')) return undefined;
    isBroken = true;
    return { kind: 'close', reason: 'cut', arrives: true };
  };
  const handler = createTestHandler(({ params }) => {
    const name = (params.get('arguments')?.value as { name?: string } | undefined)?.name;
    return name === 'third' ? new Promise(() => undefined) : undefined;
  });
  await using it = await start({ handler, fault });
  await Promise.all(['first', 'second'].map((name) => it.connection.request(request(name))));
  const settled = await Promise.allSettled(['third', 'fourth', 'fifth'].map((name) => it.connection.request(request(name))));
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  expect(settled[0]).toMatchObject({ reason: { code: 'UPSTREAM_UNAVAILABLE', data: { sent: true, reason: 'cut' } } });
  expect(it.called()).toEqual(['first', 'second', 'third', 'fourth', 'fifth']);
  expect(it.opened()).toBe(2);
});

test('at most 1,024 requests wait for the next connection; one more is refused as never sent', async () => {
  await using it = await start();
  let letIn = (): void => undefined;
  it.gate.open = () => new Promise((resolve) => (letIn = resolve));
  await it.cut();
  await turn();
  const waiting = Array.from({ length: 1_024 }, (_, index) => it.connection.request(request(String(index))));
  await expect(it.connection.request(request('too many'))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: false } });
  letIn();
  await Promise.all(waiting);
  expect(it.called()).toEqual(Array.from({ length: 1_024 }, (_, index) => String(index)));
});

test('who waits may give up, and runs out of budget, without being sent', async () => {
  await using it = await start();
  it.gate.open = () => new Promise(() => undefined);
  await it.cut();
  await turn();
  const cancellation = new Cancellation();
  const unwanted = it.connection.request(request('unwanted', { cancellation }));
  const late = it.connection.request(request('late', { timeoutMs: 200 }));
  const ping = it.connection.ping(100);
  cancellation.cancel('enough');
  await expect(unwanted).rejects.toMatchObject({ code: 'CANCELLED' });
  await expect(it.connection.request(request('never wanted', { cancellation }))).rejects.toMatchObject({ code: 'CANCELLED' });
  const failures = Promise.allSettled([late, ping]);
  it.clock.advance(300);
  expect(await failures).toMatchObject([
    { reason: { code: 'DEADLINE_EXCEEDED', data: { phase: 'connect', sent: false } } },
    { reason: { code: 'DEADLINE_EXCEEDED' } },
  ]);
});

test('time spent waiting counts against the budget', async () => {
  const handler = createTestHandler(({ method }) => (method === 'tools/call' ? new Promise(() => undefined) : undefined));
  await using it = await start({ handler });
  let letIn = (): void => undefined;
  it.gate.open = () => new Promise((resolve) => (letIn = resolve));
  await it.cut();
  await turn();
  const call = it.connection.request(request('slow', { timeoutMs: 1_000 }));
  const failed = failureOf(call);
  it.clock.advance(900);
  letIn();
  await until(() => it.called().includes('slow'), 'the call is sent');
  it.clock.advance(200);
  expect(await failed).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
});

test('subscriptions and the log level are restored, and what may have been missed is told', async () => {
  await using it = await start();
  await it.connection.subscribe('a://kept');
  await it.connection.subscribe('a://given-up');
  await it.connection.unsubscribe('a://given-up');
  await it.connection.setLogLevel('error');
  await it.cut();
  await until(() => it.handler.wishes.length === 1 && it.opened() === 2, 'the wish is there again');
  expect(it.handler.wishes).toEqual(['a://kept']);
  expect(it.notifications.map(({ method, params }) => [method, params?.value])).toEqual([
    ['notifications/tools/list_changed', undefined],
    ['notifications/prompts/list_changed', undefined],
    ['notifications/resources/list_changed', undefined],
    ['notifications/resources/updated', { uri: 'a://kept' }],
  ]);
  it.handler.publish('notifications/message', { level: 'info', data: 'too mild' });
  it.handler.publish('notifications/message', { level: 'error', data: 'heard' });
  await until(() => it.notifications.length === 5, 'the log message arrives');
  expect(it.notifications[4]!.params?.value).toMatchObject({ data: 'heard' });
  expect(it.anomalies).toEqual([]);
});

test('a modern server is asked anew to tell of changes', async () => {
  await using it = await start({ revision: 'modern' });
  await it.connection.subscribe('a://1');
  await it.cut();
  await until(() => it.opened() === 2 && it.handler.wishes.length === 1, 'the wish is there again');
  await until(() => it.notifications.length === 4, 'what may have been missed is told');
  it.handler.publish('notifications/resources/updated', { uri: 'a://1' });
  it.handler.publish('notifications/tools/list_changed');
  await until(() => it.notifications.length === 6, 'both arrive, once each');
  expect(it.notifications.slice(4).map(({ method }) => method)).toEqual([
    'notifications/resources/updated',
    'notifications/tools/list_changed',
  ]);
});

test('a wish that cannot be restored is told, and the conversation goes on', async () => {
  await using it = await start();
  await it.connection.subscribe('a://1');
  const { subscribe } = it.handler;
  it.handler.subscribe = () => {
    throw new Error('full');
  };
  await it.cut();
  await until(() => it.anomalies.length === 1, 'it is told');
  expect(it.anomalies[0]).toMatch(/^after a break: /);
  it.handler.subscribe = subscribe;
  await it.connection.ping(1_000);
});

test('attempts come at growing intervals, until the break has lasted ten seconds', async () => {
  await using it = await start();
  const attempts: number[] = [];
  it.gate.open = () => {
    attempts.push(it.clock.now());
    return Promise.reject(new Error('still away'));
  };
  await it.cut();
  await turn();
  const failed = failureOf(it.connection.request(request('waits')));
  for (let step = 0; step < 110; step++) {
    await turn();
    it.clock.advance(100);
  }
  expect(await failed).toMatchObject({ data: { sent: false } });
  expect(attempts).toEqual([0, 100, 300, 700, 1_500, 3_100, 5_100, 7_100]);
  expect(await it.connection.closed).toBe('closed by the other side; then: still away');
  await expect(it.connection.request(request('after'))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: false } });
  await expect(it.connection.ping(1)).rejects.toMatchObject({ data: { sent: false } });
});

test('an attempt that hangs ends with the break', async () => {
  await using it = await start();
  it.gate.open = () => new Promise(() => undefined);
  await it.cut();
  await turn();
  it.clock.advance(10_000);
  expect(await it.connection.closed).toBe('closed by the other side');
});

test('a connection that never lasts is given up, one that lasts may break again and again', async () => {
  const cutTimes = async (times: number, lastingMs: number) => {
    await using it = await start();
    const end = { isHere: false };
    void it.connection.closed.then(() => (end.isHere = true));
    for (let time = 0; time < times && !end.isHere; time++) {
      const opened = it.opened();
      it.clock.advance(lastingMs);
      await it.cut();
      for (let step = 0; step < 40 && it.opened() === opened && !end.isHere; step++) {
        await turn();
        it.clock.advance(100);
      }
    }
    return { opened: it.opened(), closed: end.isHere };
  };
  expect(await cutTimes(20, 0)).toEqual({ opened: 9, closed: true });
  expect(await cutTimes(20, 5_000)).toEqual({ opened: 21, closed: false });
});

test('another server at the address ends the conversation', async () => {
  await using it = await start();
  it.gate.profile = { info: { name: 'test-server', version: '2.0.0' } };
  await it.cut();
  expect(await it.connection.closed).toMatch(/what answers now is another server, or another version/);
});

test('closing during a break ends who waits, and what is opened late is closed at once', async () => {
  const it = await start();
  let letIn = (): void => undefined;
  it.gate.open = () => new Promise((resolve) => (letIn = resolve));
  await it.cut();
  await turn();
  const failed = failureOf(it.connection.request(request('a')));
  await it.connection.close();
  expect(await failed).toMatchObject({
    data: { sent: false, reason: 'closed by the gateway' },
  });
  letIn();
  await until(() => it.opened() === 2 && it.handler.watchers === 0, 'nobody is served any more');
  expect(it.reopened).toEqual([]);
});

test('of 1,000 calls over connections that break at random none is lost or doubled in silence', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const runs = new Map<string, number>();
      const handler = createTestHandler(({ method, params }) => {
        if (method !== 'tools/call') return undefined;
        const { name } = params.get('arguments')!.value as { name: string };
        runs.set(name, (runs.get(name) ?? 0) + 1);
        return resultOf({ content: [{ type: 'text', text: name }] });
      });
      let isOpen = false;
      const random = createRandom(seed);
      const chance = () => (isOpen ? random() : 1);
      await using server = await startSocketServer((socket, index) => {
        const channel: Channel = {
          onMessage: () => undefined,
          onClose: () => undefined,
          send: (message) => socket.send(message, { binary: false }, () => undefined),
          close: () => Promise.resolve(socket.close()),
        };
        socket.on('message', (data) => {
          // Breaks befall requests before and after they ran, answers on their way, and whole bursts.
          if (chance() < 0.01) server.connections[index]!.destroy();
          channel.onMessage(data);
          if (chance() < 0.01) server.connections[index]!.destroy();
          if (chance() < 0.005) socket.close(1012, 'restart');
        });
        socket.on('close', () => channel.onClose('gone'));
        serveChannel(channel, { handler, seal: createTestSeal(), limits: { maxDepth: 32 } });
      });
      const clock = createTestClock();
      const connection = await openWebSocket({
        upstream: 'far',
        client: CLIENT,
        revision: 'handshake',
        handshakeMs: 1_000_000,
        maxMessageBytes: 1e6,
        onNotification: () => undefined,
        clock,
        url: server.url,
        headers: {},
        connectMs: 1_000_000,
      });
      isOpen = true;
      const end = { isHere: false };
      const passTime = async () => {
        while (!end.isHere) {
          await turn();
          clock.advance(5);
        }
      };
      void passTime();
      const calls: Promise<string>[] = [];
      for (let index = 0; index < 1_000; index++) {
        const name = `call ${index} ${'x'.repeat(Math.floor(chance() * 200))}`;
        const call = connection.request(request(name, { timeoutMs: 1e9 })).then(
          (outcome) => `answered ${(textOf(outcome) as { content: { text: string }[] }).content[0]!.text === name ? name : 'another'}`,
          (error: { data?: { sent?: boolean } }) => (error.data?.sent === true ? `maybe ${name}` : `unsent ${name}: ${String(error)}`),
        );
        calls.push(call);
        if (chance() < 0.3) {
          // Each break finds a connection that has lasted; otherwise the conversation would rightly end.
          if ((await call).startsWith('answered')) clock.advance(6_000);
        } else if (chance() < 0.5) await turn();
      }
      const outcomes = await Promise.all(calls);
      end.isHere = true;
      const kinds = { answered: 0, maybe: 0 };
      for (const [index, outcome] of outcomes.entries()) {
        const [, kind, name] = /^(\w+) (.*)$/.exec(outcome)!;
        const count = runs.get(name!) ?? 0;
        expect(kind === 'answered' ? [1] : kind === 'maybe' ? [0, 1] : [], `${index}: ${outcome}`).toContain(count);
        kinds[kind as 'answered' | 'maybe']++;
      }
      expect(kinds.answered + kinds.maybe).toBe(1_000);
      expect(server.sockets.length).toBeGreaterThan(2);
      expect(kinds.answered).toBeGreaterThan(500);
      await connection.close();
    }),
    { numRuns: 3, endOnFailure: true },
  );
}, 90_000);

/** Evenly spread numbers from 0 to 1 that depend on nothing but the seed (xorshift). */
function createRandom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4_294_967_296;
  };
}
