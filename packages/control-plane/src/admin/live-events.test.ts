import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { systemClock } from '@signalbox/core';
import { expect, test } from 'vitest';
import { callRecord, createAdminSetup, upstreamStatus } from '../testing/admin-setup.ts';
import { createLiveEvents } from './live-events.ts';
import { createNodeListener } from './node-listener.ts';

interface Heard {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

type Setup = Awaited<ReturnType<typeof createAdminSetup>>;

/** Opens the stream and reads what is there. */
async function listen({ ask }: Setup, query = '', headers: Record<string, string> = {}) {
  const { response, status } = await ask('GET', `/events${query}`, { headers });
  expect([status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const read = async (): Promise<readonly Heard[] | undefined> => {
    const { done, value } = await reader.read();
    if (done) return undefined;
    const blocks = decoder
      .decode(value)
      .split('\n\n')
      .filter((block) => block.startsWith('id: '));
    return blocks.map((block) => {
      const [id = '', type = '', data = ''] = block.split('\n').map((line) => line.slice(line.indexOf(': ') + 2));
      return { id, type, data: JSON.parse(data) as Record<string, unknown> };
    });
  };
  return { read, cancel: () => reader.cancel() };
}

const change = { operations: [{ op: 'set', path: 'mcpServers.b', value: { command: 'x' } }] };

test('a reader hears of versions, calls and changes of status', async () => {
  const setup = await createAdminSetup();
  const { read, cancel } = await listen(setup);
  expect(await read()).toMatchObject([{ type: 'hello', data: { stateVersion: 1 } }]);
  await setup.ask('POST', '/changes', { body: change });
  expect(await read()).toMatchObject([{ type: 'state', data: { version: 2, by: 'local', lines: ['+ mcpServers.b'] } }]);
  setup.journal.write(callRecord('2'));
  expect(await read()).toMatchObject([{ type: 'call', data: { callId: '2' } }]);
  setup.upstreams.set('github', { ...upstreamStatus('github'), state: 'failed' });
  setup.tick();
  expect(await read()).toMatchObject([{ type: 'upstream', data: { name: 'github', state: 'failed' } }]);
  await cancel();
  expect(setup.timers.size).toBe(0);
});

test('only what is asked for is told', async () => {
  const setup = await createAdminSetup();
  const { read } = await listen(setup, '?types=call');
  await read();
  await setup.ask('POST', '/changes', { body: change });
  setup.journal.write(callRecord('2'));
  expect(await read()).toMatchObject([{ type: 'call' }]);
  expect((await setup.ask('GET', '/events?types=calls')).status).toBe(400);
});

test('one who comes back hears what was missed, or that it is not known', async () => {
  const setup = await createAdminSetup();
  const first = await listen(setup, '?types=state');
  const [hello] = (await first.read())!;
  await first.cancel();
  await setup.ask('POST', '/changes', { body: change });
  const second = await listen(setup, '?types=state', { 'last-event-id': hello!.id });
  expect(await second.read()).toMatchObject([{ type: 'hello' }]);
  expect(await second.read()).toMatchObject([{ type: 'state', data: { version: 2 } }]);
  for (const id of ['zz-1', hello!.id.replace(/\d+$/, '999'), 'nonsense']) {
    const other = await listen(setup, '', { 'last-event-id': id });
    expect(await other.read()).toMatchObject([{ type: 'reset' }]);
  }
});

test('calls are kept for one who comes back within a minute, and later it is said that some were missed', async () => {
  const setup = await createAdminSetup();
  const first = await listen(setup, '?types=call');
  const [hello] = (await first.read())!;
  await first.cancel();
  setup.journal.write(callRecord('2'));
  const second = await listen(setup, '?types=call', { 'last-event-id': hello!.id });
  await second.read();
  expect(await second.read()).toMatchObject([{ type: 'call', data: { callId: '2' } }]);
  await second.cancel();
  setup.advance(61_000);
  setup.journal.write(callRecord('3'));
  const third = await listen(setup, '?types=call', { 'last-event-id': hello!.id });
  expect(await third.read()).toMatchObject([{ type: 'reset' }]);
  const versions = await listen(setup, '?types=state', { 'last-event-id': hello!.id });
  expect(await versions.read()).toMatchObject([{ type: 'hello' }]);
});

test('a reader who does not keep up is dropped, and the others go on', async () => {
  const setup = await createAdminSetup();
  const slow = await listen(setup);
  const quick = await listen(setup, '?types=state');
  await quick.read();
  for (let index = 0; index < 3000; index++) setup.journal.write({ ...callRecord(String(index)), name: 'x'.repeat(200) });
  await setup.ask('POST', '/changes', { body: change });
  expect(await quick.read()).toMatchObject([{ type: 'state' }]);
  let bytes = 0;
  for (let heard = await slow.read(); heard !== undefined; heard = await slow.read()) bytes += JSON.stringify(heard).length;
  expect(bytes).toBeLessThan(300_000);
});

test('streams end with the gateway', async () => {
  const setup = await createAdminSetup();
  const { read } = await listen(setup);
  await read();
  setup.api.close();
  expect(await read()).toBeUndefined();
  expect(setup.timers.size).toBe(0);
});

test('when who may listen changes, all have to come again', async () => {
  const setup = await createAdminSetup();
  const { read } = await listen(setup, '?types=state');
  await read();
  const operations = [{ op: 'remove', path: 'admin.access.vera' }];
  expect((await setup.ask('POST', '/changes', { body: { operations, target: 'file' } })).status).toBe(200);
  expect(await read()).toMatchObject([{ type: 'state', data: { version: 2 } }]);
  expect(await read()).toBeUndefined();
});

test('over a real socket one who reads nothing is dropped, and one who leaves is forgotten', async () => {
  const { state, journal, api } = await createAdminSetup();
  const status = { upstreams: () => [], virtualServers: () => [], sessions: () => ({ open: 0, streams: 0 }) };
  const events = createLiveEvents({ state, status, journal, clock: systemClock, maxReaders: 1, lookMs: 5 });
  const listener = createNodeListener({ fetch: async () => new Response(events.subscribe()), close: () => api.close() });
  const server = createServer((request, response) => listener.answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const open = async () => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await once(socket, 'readable');
    return socket;
  };
  const until = async (readers: number) => {
    while (events.readers !== readers) await new Promise((resolve) => setImmediate(resolve));
  };
  const idle = await open();
  await until(1);
  expect(() => events.subscribe()).toThrow('Cannot open another stream: 1 are open');
  for (let index = 0; events.readers > 0; index++) {
    journal.write({ ...callRecord(String(index)), name: 'x'.repeat(10_000) });
    if (index % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(index).toBeLessThan(5000);
  }
  idle.destroy();
  const leaving = await open();
  await until(1);
  leaving.destroy();
  await until(0);
  events.close();
  server.closeAllConnections();
  server.close();
});
