import { once } from 'node:events';
import { createServer as createHttpServer, request as nodeRequest } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { until } from '../../testing/http.ts';
import { createTestClock } from '../../testing/test-clock.ts';
import type { IncomingRequest, ResponseWriter } from '../http-message.ts';
import { HttpFront } from './http-front.ts';
import { HANDLE } from './shared-reading.ts';

interface Taken {
  readonly request: IncomingRequest;
  readonly response: ResponseWriter;
  readonly body: string;
}

interface StartOptions {
  /** Has sockets read in the ordinary way, as where the shared way is not possible. */
  readonly isPlain?: boolean;
}

async function start({ isPlain = false }: StartOptions = {}) {
  const taken: Taken[] = [];
  const handedOver: string[] = [];
  const clock = createTestClock();
  const node = createHttpServer((request, response) => {
    handedOver.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end('node'));
  });
  node.on('upgrade', (request, socket: Socket) => {
    handedOver.push(`upgrade ${request.url}`);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.write(chunk)).on('end', () => socket.end());
  });
  const target = {
    serve: (request: IncomingRequest, response: ResponseWriter) => {
      const body = 'body' in request ? request.body.toString() : '?';
      if (body === 'fail') throw new Error('asked to');
      taken.push({ request, response, body });
    },
  };
  const front = new HttpFront({
    clock,
    maxBodyBytes: 5_000_000,
    find: (url) => (url === '/mcp' ? target : undefined),
    fail: (_, response, thrown) => response.writeHead(500, ['Content-Length', '0', 'X-Why', String(thrown)]).end(),
    admits: ({ host }) => host === 'us' || host === `127.0.0.1:${port}`,
    handOver: (socket) => node.emit('connection', socket),
  });
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const inner = socket as unknown as { [HANDLE]: unknown };
    const handle = inner[HANDLE];
    if (isPlain) inner[HANDLE] = undefined;
    front.accept(socket);
    if (isPlain) inner[HANDLE] = handle;
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: Client[] = [];
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    front,
    clock,
    taken,
    handedOver,
    connect: async () => {
      const client = await openClient(port);
      clients.push(client);
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of clients) socket.destroy();
      server.close();
      front.destroyAll();
      await front.empty();
    },
  };
}

interface Client {
  readonly socket: Socket;
  readonly text: () => string;
  readonly isClosed: () => boolean;
  send(bytes: string): void;
  /** Waits until the server has said something that matches. */
  hears(pattern: RegExp): Promise<void>;
}

async function openClient(port: number): Promise<Client> {
  let text = '';
  let isClosed = false;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.on('end', () => (isClosed = true));
  socket.on('close', () => (isClosed = true));
  await once(socket, 'connect');
  return {
    socket,
    text: () => text,
    isClosed: () => isClosed,
    send: (bytes) => void socket.write(bytes, 'latin1'),
    hears: (pattern) => until(() => pattern.test(text), `${pattern} is heard, not ${JSON.stringify(text)}`),
  };
}

const post = (body: string, fields = '') => `POST /mcp HTTP/1.1\r\nHost: us\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
const get = (fields = '') => `GET /mcp HTTP/1.1\r\nHost: us\r\n${fields}\r\n`;

function answer({ response }: Taken, body: string): void {
  response.writeHead(200, ['Content-Type', 'text/plain', 'Content-Length', String(body.length)]).end(body, 'latin1');
}

test('a request is served with its body, and one after the other on one connection', async () => {
  await using it = await start();
  const client = await it.connect();
  for (const body of ['one', 'two, which is longer', '']) {
    client.send(post(body, 'X-A: b\r\n'));
    await until(() => it.taken.length === 1, 'it is served');
    const [taken] = it.taken.splice(0);
    expect(taken!.body).toBe(body);
    expect(taken!.request).toMatchObject({ method: 'POST', url: '/mcp', headers: { host: 'us', 'x-a': 'b' }, complete: true });
    answer(taken!, `${body}!`);
    await client.hears(new RegExp(`\r\n\r\n${body}!$`));
  }
  expect(client.text()).toMatch(
    /^HTTP\/1\.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nKeep-Alive: timeout=65\r\nContent-Type: text\/plain\r\n/,
  );
  expect(it.handedOver).toEqual([]);
});

test('the clients that people have are served here: fetch and node:http, with and without a body', async () => {
  await using it = await start();
  const ask = (method: string, body?: string) =>
    new Promise<string>((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const request = nodeRequest(it.url, {
        method,
        headers: body === undefined ? headers : { ...headers, 'content-length': body.length },
      });
      request.on('error', reject).on('response', (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString())).on('end', () => resolve(text));
      });
      request.end(body);
    });
  const clients = [
    async (method: string, body?: string) => (await fetch(it.url, { method, ...(body !== undefined && { body }) })).text(),
    ask,
  ];
  for (const client of clients) {
    for (const [method, body] of [['POST', '{"a":1}'], ['POST', 'x'.repeat(200_000)], ['GET'], ['DELETE']] as const) {
      const answered = client(method, body);
      await until(() => it.taken.length === 1, `${method} is served`);
      const [taken] = it.taken.splice(0);
      expect(taken!.body).toBe(body ?? '');
      answer(taken!, 'ours');
      expect(await answered).toBe('ours');
    }
  }
  expect(it.handedOver).toEqual([]);
});

test('a body that comes in any pieces is served once and whole', async () => {
  await using it = await start();
  const client = await it.connect();
  const body = 'x'.repeat(100_000);
  const bytes = post(body);
  const head = bytes.length - body.length;
  client.send(bytes.slice(0, head));
  for (let at = head; at < bytes.length; at += 9_973) {
    client.send(bytes.slice(at, at + 9_973));
    await new Promise(setImmediate);
  }
  await until(() => it.taken.length === 1, 'it is served');
  expect(it.taken[0]!.body).toBe(body);
  answer(it.taken[0]!, 'done');
  await client.hears(/done$/);
});

test('requests sent ahead are answered in their order, one at a time', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('one') + post('two') + post('three').slice(0, -2));
  await until(() => it.taken.length === 1, 'the first is served');
  client.send(`ee${post('four')}`);
  for (const [index, body] of ['one', 'two', 'three', 'four'].entries()) {
    await until(() => it.taken.length === index + 1, `"${body}" is served`);
    expect(it.taken[index]!.body).toBe(body);
    answer(it.taken[index]!, `(${body})`);
  }
  await client.hears(/\(one\).*\(two\).*\(three\).*\(four\)$/s);
});

test('a thousand requests sent ahead and answered at once need no deep stack', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('hold'));
  await until(() => it.taken.length === 1, 'the first is served');
  const many = 1_000;
  client.send(post('.').repeat(many));
  it.taken.push = (...taken) => {
    for (const each of taken) answer(each, '.');
    return 0;
  };
  answer(it.taken[0]!, '.');
  const answers = () => client.text().split('HTTP/1.1 200').length - 1;
  await until(() => answers() > many, 'all are answered');
  expect(answers()).toBe(many + 1);
});

test('what comes ahead without end is not read', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('hold'));
  await until(() => it.taken.length === 1, 'the first is served');
  const flood = Buffer.alloc(1_000_000, post('.'));
  let isFull = false;
  for (let sent = 0; sent < 40 && !isFull; sent++) {
    isFull = await new Promise<boolean>((resolve) => {
      client.socket.write(flood, () => resolve(false));
      setTimeout(() => resolve(true), 300);
    });
  }
  expect(isFull).toBe(true);
});

test.each([
  ['another path', 'POST /other HTTP/1.1\r\nHost: us\r\nContent-Length: 2\r\n\r\nhi', 'POST /other'],
  ['a guest the guard does not admit', 'POST /mcp HTTP/1.1\r\nHost: them\r\nContent-Length: 2\r\n\r\nhi', 'POST /mcp'],
  ['chunks', 'POST /mcp HTTP/1.1\r\nHost: us\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n', 'POST /mcp'],
  ['a body too large', post('x'.repeat(5_000_001)), 'POST /mcp'],
  ['a stream with a body', 'GET /mcp HTTP/1.1\r\nHost: us\r\nContent-Length: 2\r\n\r\nhi', 'GET /mcp'],
])('%s is for Node, with the connection and all that follows', async (_, bytes, expected) => {
  for (const isPlain of [false, true]) {
    await using it = await start({ isPlain });
    const client = await it.connect();
    client.send(post('first'));
    await until(() => it.taken.length === 1, 'the first is served');
    answer(it.taken[0]!, '(first)');
    await client.hears(/\(first\)$/);
    client.send(bytes);
    await client.hears(/\r\nnode\r\n|\r\nnode$/);
    client.send(post('usual'));
    await until(() => it.handedOver.length === 2, 'Node has both');
    expect(it.handedOver).toEqual([expected, 'POST /mcp']);
    expect(it.taken.length).toBe(1);
  }
});

test('a head that comes in two pieces is for Node', async () => {
  for (const isPlain of [false, true]) {
    await using it = await start({ isPlain });
    const client = await it.connect();
    client.send(post('hi').slice(0, 30));
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.send(post('hi').slice(30));
    await client.hears(/node/);
    expect(it.handedOver).toEqual(['POST /mcp']);
  }
});

test('a connection that changes its protocol is whole in the hands of who takes it', async () => {
  for (const isPlain of [false, true]) {
    await using it = await start({ isPlain });
    const client = await it.connect();
    client.send('GET /mcp HTTP/1.1\r\nHost: us\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    await client.hears(/ 101 /);
    const large = 'y'.repeat(300_000);
    client.send(large);
    await until(() => client.text().endsWith(`\r\n\r\n${large}`), 'all of it comes back');
    expect(it.handedOver).toEqual(['upgrade /mcp']);
  }
});

test('a stream goes out in chunks, its head at once, and nothing else is said on it', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(get());
  await until(() => it.taken.length === 1, 'it is served');
  const { response } = it.taken[0]!;
  let closed = 0;
  response.on('close', () => closed++);
  response.writeHead(200, ['Content-Type', 'text/event-stream']).flushHeaders();
  await client.hears(/\r\nContent-Type: text\/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n$/);
  response.write(Buffer.from('data: 1\n\n'));
  await client.hears(/\r\n\r\n9\r\ndata: 1\n\n\r\n$/);
  response.end();
  await client.hears(/\r\n9\r\ndata: 1\n\n\r\n0\r\n\r\n$/);
  await until(() => closed === 1, 'its end is told');
  client.send(post('next'));
  await until(() => it.taken.length === 2, 'the connection can be used again');
  expect(closed).toBe(1);
});

test('a request that cannot be served is answered, and the connection goes on', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('fail') + post('next'));
  await client.hears(/^HTTP\/1\.1 500 .*\r\nX-Why: Error: asked to\r\n\r\n$/s);
  await until(() => it.taken.length === 1, 'the next is served');
  expect(it.taken[0]!.body).toBe('next');
});

test('a client that goes away ends its answer, whether it closes or only has nothing more to say', async () => {
  await using it = await start();
  for (const leave of [
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.resetAndDestroy(),
    (socket: Socket) => socket.end(),
  ]) {
    const client = await it.connect();
    client.send(post('hold'));
    await until(() => it.taken.length === 1, 'it is served');
    const [taken] = it.taken.splice(0);
    let closed = 0;
    taken!.response.on('close', () => closed++);
    leave(client.socket);
    await until(() => closed === 1, 'its end is told');
    expect(taken!.response.destroyed).toBe(true);
    answer(taken!, 'nobody hears this');
    await until(client.isClosed, 'the connection is closed');
    expect(client.text()).toBe('');
  }
});

test('an answer that is broken off closes its connection', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('hold'));
  await until(() => it.taken.length === 1, 'it is served');
  it.taken[0]!.response.destroy();
  await until(client.isClosed, 'the connection is closed');
  expect(client.text()).toBe('');
});

test('a body that is cut off is a bad request', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('cut off').slice(0, -1));
  client.socket.end();
  await client.hears(/^HTTP\/1\.1 400 /);
  await until(client.isClosed, 'the connection is closed');
  expect(it.taken).toEqual([]);
});

test('a client may ask that its connection be closed, and what it sends behind that is nothing', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('last', 'Connection: close\r\n') + post('behind'));
  await until(() => it.taken.length === 1, 'it is served');
  answer(it.taken[0]!, 'bye');
  await until(client.isClosed, 'the connection is closed');
  expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\nDate: [^\r]*\r\nConnection: close\r\n.*bye$/s);
  expect(it.taken.length).toBe(1);
});

test('who says nothing is closed after ten seconds, half a body after thirty, an idle connection after sixty-five', async () => {
  await using it = await start();
  const [silent, slow, idle, busy] = [await it.connect(), await it.connect(), await it.connect(), await it.connect()];
  slow.send(post('slow').slice(0, -1));
  busy.send(post('busy'));
  idle.send(post('idle'));
  await until(() => it.taken.length === 2, 'two are served');
  answer(
    it.taken.find(({ body }) => body === 'idle')!,
    'ok',
  );
  await idle.hears(/ok$/);
  const openAfter = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) it.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return [silent, slow, idle, busy].map((client) => !client.isClosed());
  };
  expect(await openAfter(10)).toEqual([true, true, true, true]);
  expect(await openAfter(1)).toEqual([false, true, true, true]);
  expect(silent.text()).toMatch(/^HTTP\/1\.1 408 /);
  expect(await openAfter(19)).toEqual([false, true, true, true]);
  expect(await openAfter(1)).toEqual([false, false, true, true]);
  expect(slow.text()).toMatch(/^HTTP\/1\.1 408 /);
  expect(await openAfter(34)).toEqual([false, false, true, true]);
  expect(await openAfter(1)).toEqual([false, false, false, true]);
  expect(await openAfter(1_000)).toEqual([false, false, false, true]);
  answer(
    it.taken.find(({ body }) => body === 'busy')!,
    'late',
  );
  await busy.hears(/late$/);
});

test('no timer runs while nobody is connected', async () => {
  await using it = await start();
  const client = await it.connect();
  await until(() => it.clock.pending === 1, 'one runs');
  client.socket.destroy();
  await until(() => {
    it.clock.advance(1_000);
    return it.clock.pending === 0;
  }, 'none runs');
  await it.connect();
  await until(() => it.clock.pending > 0, 'one runs again');
  expect(it.clock.pending).toBe(1);
});

test('a client that does not read its answer is asked for nothing more, and is not idle', async () => {
  await using it = await start();
  const client = await it.connect();
  client.socket.pause();
  const large = Buffer.alloc(20_000_000, 'x');
  client.send(post('large'));
  await until(() => it.taken.length === 1, 'it is served');
  it.taken[0]!.response.writeHead(200, ['Content-Length', String(large.length)]).end(large);
  client.send(post('next'));
  for (let second = 0; second < 100; second++) it.clock.advance(1_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(it.taken.length).toBe(1);
  client.socket.resume();
  await until(() => it.taken.length === 2, 'the next is served');
  await until(() => client.text().length > large.length, 'all of the first is read');
});

test('an answer can wait until its client has read what there is', async () => {
  await using it = await start();
  const client = await it.connect();
  client.socket.pause();
  client.send(post('large'));
  await until(() => it.taken.length === 1, 'it is served');
  const { response } = it.taken[0]!;
  let drains = 0;
  response.on('drain', () => {
    drains++;
    response.end();
  });
  response.writeHead(200, ['Content-Type', 'text/plain']);
  const part = Buffer.alloc(1_000_000, 'x');
  let parts = 0;
  for (; response.writableLength === 0; parts++) response.write(part);
  expect([drains, response.write(part)]).toEqual([0, false]);
  client.socket.resume();
  await client.hears(/\r\n0\r\n\r\n$/);
  expect(drains).toBe(1);
  expect(client.text().replaceAll(/[^x]/g, '').replace(/^x*T/, '').length).toBeGreaterThan(parts * part.length);
});

test('when it finishes, each connection goes with its next answer, and those without a request when that is said', async () => {
  await using it = await start();
  const [fresh, idle, again, busy, streaming] = await Promise.all(Array.from({ length: 5 }, () => it.connect()));
  const takenOf = (wanted: string) => it.taken.find(({ body }) => body === wanted)!;
  for (const [client, body] of [
    [idle, 'idle'],
    [again, 'first'],
    [busy, 'busy'],
    [streaming, 'streaming'],
  ] as const)
    client!.send(post(body));
  await until(() => it.taken.length === 4, 'four are served');
  for (const body of ['idle', 'first']) answer(takenOf(body), 'ok');
  takenOf('streaming').response.writeHead(200).flushHeaders();
  await Promise.all([idle!.hears(/ok$/), again!.hears(/ok$/), streaming!.hears(/\r\n\r\n$/)]);
  it.front.finish();
  again!.send(post('second'));
  await until(() => it.taken.length === 5, 'a request that was on its way is served');
  answer(takenOf('second'), 'ok');
  answer(takenOf('busy'), 'ok');
  takenOf('streaming').response.end();
  await until(() => again!.isClosed() && busy!.isClosed(), 'they are closed with their answers');
  for (const client of [again, busy]) expect(client!.text()).toMatch(/\r\nConnection: close\r\n.*ok$/s);
  expect(it.front.lastRequests).toBe(1);
  expect([fresh, idle, streaming].map((client) => client!.isClosed())).toEqual([false, false, false]);
  it.front.endIdle();
  await until(() => [fresh, idle, streaming].every((client) => client!.isClosed()), 'the others are closed');
  await it.front.empty();
});

test('a value that would add lines to a head is never sent', async () => {
  await using it = await start();
  const client = await it.connect();
  client.send(post('hold'));
  await until(() => it.taken.length === 1, 'it is served');
  const { response } = it.taken[0]!;
  for (const [name, value] of [
    ['X', 'a\r\nY: b'],
    ['X', 'a\nY: b'],
    ['X\r\nY', 'a'],
    ['X', '\0'],
  ] as const) {
    expect(() => response.setHeader(name, value)).toThrow(/Cannot send the header/);
    expect(() => response.writeHead(200, [name, value])).toThrow(/Cannot send the header/);
  }
  answer(it.taken[0]!, 'ok');
  await client.hears(/ok$/);
});
