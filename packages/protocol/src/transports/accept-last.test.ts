import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { acceptLast, type Listener } from './accept-last.ts';

const CLIENTS = 40;
// Connects while the main thread is busy, and says how each connection ended.
const CLIENT = `
  const { workerData, parentPort } = require('node:worker_threads');
  const { connect } = require('node:net');
  for (let number = 0; number < ${CLIENTS}; number++) {
    const socket = connect(workerData.port, '127.0.0.1', () => Atomics.add(workerData.connected, 0, 1));
    socket.on('data', (data) => parentPort.postMessage(String(data))).on('error', ({ code }) => parentPort.postMessage(code));
    socket.write('hello');
  }
`;

test('everybody who has connected before the end is served, and who comes later is refused', async () => {
  const server = createServer((socket) => void socket.on('error', Boolean).once('data', () => socket.end('served')));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address() as AddressInfo;
  const connected = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(CLIENT, { eval: true, workerData: { port: address.port, connected } });
  const said: unknown[] = [];
  worker.on('message', (text) => said.push(text));
  await once(worker, 'online');
  const untilMs = performance.now() + 5_000;
  while (Atomics.load(connected, 0) < CLIENTS && performance.now() < untilMs) Atomics.wait(connected, 0, Atomics.load(connected, 0), 10);

  await acceptLast({
    handle: (server as unknown as Record<'_handle', Listener['handle']>)['_handle'],
    address,
    watch: (listener) => {
      server.on('connection', listener);
      return () => server.off('connection', listener);
    },
  });
  server.close();
  await expect.poll(() => said.length).toBe(CLIENTS);
  expect(new Set(said)).toEqual(new Set(['served']));
  await expect(fetch(`http://127.0.0.1:${address.port}`)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
  await worker.terminate();
});
