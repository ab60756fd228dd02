import cluster from 'node:cluster';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { watchHanding, type Handle } from './handing.ts';

const HANDLE = '_handle';

/** Connections to ourselves: the client's side of each, and what libuv knows of ours. */
async function openConnections(count: number) {
  const accepted: Socket[] = [];
  const server = createServer({ pauseOnConnect: true }, (socket) => accepted.push(socket));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const clients: Socket[] = [];
  while (clients.length < count) {
    clients.push(
      connect((server.address() as AddressInfo).port, '127.0.0.1')
        .resume()
        .on('error', Boolean),
    );
    await once(server, 'connection');
  }
  server.close();
  return { clients, handles: accepted.map((socket) => (socket as unknown as { [HANDLE]: Handle })[HANDLE]) };
}

function startWorker() {
  cluster.setupPrimary({ exec: 'worker', execArgv: ['-e', 'process.on("message", () => undefined)'], silent: true });
  return cluster.fork();
}

test('what waits for a worker that dies is given back, what it may have seen is closed, and its end is told', async () => {
  const worker = startWorker();
  await once(worker, 'online');
  const { clients, handles } = await openConnections(3);
  const closed = clients.map((client) => once(client, 'close'));
  const returned: unknown[] = [];
  const set: string[] = [];
  const handing = watchHanding(worker, {
    onNew: () => void set.push('out'),
    onUnsent: (order, handle) => returned.push([order.unread, handles.indexOf(handle)]),
  });
  worker.process.kill('SIGSTOP');

  worker.process.send({ cmd: 'NODE_CLUSTER', act: 'newconn' }, handles[0] as never);
  for (const index of [1, 2]) handing.give({ kind: 'move', to: '', unread: String(index), moves: 1 }, handles[index]!);
  await new Promise(setImmediate);
  const told = once(worker, 'disconnect');
  worker.process.kill('SIGKILL');
  await Promise.all([told, closed[0]]);

  expect(returned).toEqual([
    ['1', 1],
    ['2', 2],
  ]);
  expect(set).toEqual(['out']);
  expect(clients.map(({ closed }) => closed)).toEqual([true, false, false]);
  for (const handle of handles) handle.close();
  await Promise.all(closed);
});

test('a connection that is out belongs to the worker alone', async () => {
  const worker = startWorker();
  await once(worker, 'online');
  const { clients, handles } = await openConnections(1);
  const returned: Handle[] = [];
  const handing = watchHanding(worker, { onNew: () => undefined, onUnsent: (_order, handle) => returned.push(handle) });
  handing.give({ kind: 'move', to: '', unread: '', moves: 1 }, handles[0]!);
  await new Promise(setImmediate);
  const ends = [once(clients[0]!, 'close'), once(worker, 'disconnect')];
  worker.process.kill('SIGKILL');
  await Promise.all(ends);
  expect(returned).toEqual([]);
});
