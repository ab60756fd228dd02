import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { createSpanSender } from './span-sender.ts';

/** Answers with one status after the other, and with the last one from then on; 0 is no answer at all. */
async function startCollector(...statuses: readonly number[]) {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    bodies.push(`${request.method} ${request.url} ${request.headers['x-key']} ${(await buffer(request)).toString()}`);
    const status = statuses[Math.min(bodies.length, statuses.length) - 1]!;
    if (status !== 0) response.writeHead(status, { 'retry-after': '0' }).end('thanks');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sender = createSpanSender({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, headers: { 'x-key': 'k' } });
  return {
    bodies,
    sender,
    [Symbol.dispose]: () => {
      sender.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

const PARTS = [Buffer.from('ab'), Buffer.from('cd')];

test('parts of a request arrive together, over one connection', async () => {
  using collector = await startCollector(200);
  await collector.sender.send(PARTS);
  await collector.sender.send(PARTS);
  expect(collector.bodies).toEqual(['POST /v1/traces k abcd', 'POST /v1/traces k abcd']);
});

test('a collector that is busy is asked again, and one that refuses is not', async () => {
  using busy = await startCollector(503, 429, 200);
  await busy.sender.send(PARTS);
  expect(busy.bodies).toHaveLength(3);
  using refusing = await startCollector(400);
  await expect(refusing.sender.send(PARTS)).rejects.toThrow('the collector answered 400');
  expect(refusing.bodies).toHaveLength(1);
});

test('who waits for an answer is released by the end', async () => {
  using collector = await startCollector(0);
  const sending = collector.sender.send(PARTS);
  setTimeout(() => collector.sender.close(), 20);
  await expect(sending).rejects.toThrow('the gateway ended');
});
