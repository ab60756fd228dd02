import { describe, expect, test } from 'vitest';
import type { Notification } from '@signalbox/core';
import { openChannel, type RequestHandler } from '@signalbox/protocol';
import { createChannelPair, serveChannel, type Fault } from '@signalbox/protocol/testing';
import { createSeal } from '@signalbox/security';
import { createMemoryGateway, resultOf, textOf } from './testing/memory-gateway.ts';
import type { Opened } from './upstreams/open-connection.ts';

type Way = 'request' | 'answer';

/** A server with one tool behind a channel, whose first call meets a fault on its way there or back. */
function createFaultyServer(tool: object, way: Way, fault: Fault) {
  let runs = 0;
  let connections = 0;
  let isFaultLeft = true;
  const handler: RequestHandler = {
    describe: () => ({ info: { name: 'faulty', version: '1' }, capabilities: { tools: {} }, instructions: undefined }),
    request: ({ method }) => {
      if (method !== 'tools/call') return resultOf({ tools: [{ name: 'act', inputSchema: { type: 'object' }, ...tool }] });
      return resultOf({ content: [{ type: 'text', text: `run ${++runs}` }] });
    },
    watch: () => () => undefined,
    subscribe: () => () => undefined,
  };
  const open = async (onNotification: (notification: Notification) => void): Promise<Opened> => {
    connections++;
    const mark = way === 'request' ? '"tools/call"' : '"run ';
    const { left, right } = createChannelPair({
      fault: (message) => {
        if (!isFaultLeft || !message.includes(mark)) return undefined;
        isFaultLeft = false;
        return fault;
      },
    });
    serveChannel(right, { handler, seal: createSeal({ key: Buffer.alloc(32, 7) }), limits: { maxDepth: 64 } });
    const client = { name: 'gateway', version: '1' };
    const options = {
      upstream: 'faulty',
      client,
      revision: 'modern',
      handshakeMs: 5_000,
      maxMessageBytes: 100_000,
      onNotification,
    } as const;
    return { connection: await openChannel(left, options), pid: undefined, stderr: () => [] };
  };
  return { open, runs: () => runs, connections: () => connections };
}

const WRITES = {};
const READS = { annotations: { readOnlyHint: true } };

describe('over a channel with faults', () => {
  test('a call that never left is made again after the break, whatever the tool', async () => {
    const server = createFaultyServer(WRITES, 'request', { kind: 'close', reason: 'cut' });
    await using gateway = await createMemoryGateway({ servers: { server } });
    await gateway.list('tools/list');
    expect(textOf(await gateway.call('act'))).toBe('run 1');
    expect(server.connections()).toBe(2);
  });

  test('a call that may have run is not made again, unless the tool only reads', async () => {
    const [writing, reading] = [WRITES, READS].map((tool) => createFaultyServer(tool, 'answer', { kind: 'close', reason: 'cut' }));
    await using gateway = await createMemoryGateway({ servers: { writing: writing!, reading: reading! } });
    await gateway.list('tools/list');
    await expect(gateway.call('act')).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: true, reason: 'cut' } });
    expect(textOf(await gateway.call('reading__act'))).toBe('run 2');
    expect([writing!.runs(), reading!.runs()]).toEqual([1, 2]);
  });

  test('a request or an answer that is lost ends with its budget, and the connection goes on', async () => {
    for (const way of ['request', 'answer'] as const) {
      const server = createFaultyServer(WRITES, way, { kind: 'drop' });
      await using gateway = await createMemoryGateway({ servers: { server }, config: { server: { timeouts: { callMs: 500 } } } });
      await gateway.list('tools/list');
      await expect(gateway.call('act')).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
      expect(textOf(await gateway.call('act'))).toMatch(/^run/);
      expect(server.connections()).toBe(1);
    }
  });

  test('an answer that comes twice counts once, and garbage in its place is no answer', async () => {
    const twice = createFaultyServer(WRITES, 'answer', { kind: 'repeat' });
    const garbage = createFaultyServer(WRITES, 'answer', { kind: 'replace', message: Buffer.from('{"jsonrpc":"2.0","id":') });
    await using gateway = await createMemoryGateway({ servers: { twice, garbage }, config: { garbage: { timeouts: { callMs: 500 } } } });
    await gateway.list('tools/list');
    expect(textOf(await gateway.call('act'))).toBe('run 1');
    expect(textOf(await gateway.call('act'))).toBe('run 2');
    await expect(gateway.call('garbage__act')).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  test('answers that overtake each other reach their callers', async () => {
    const server = createFaultyServer(WRITES, 'answer', { kind: 'reorder', behind: 2 });
    await using gateway = await createMemoryGateway({ servers: { server } });
    await gateway.list('tools/list');
    const calls = await Promise.all(['a', 'b', 'c'].map(() => gateway.call('act')));
    expect(calls.map(textOf)).toEqual(['run 1', 'run 2', 'run 3']);
  });
});
