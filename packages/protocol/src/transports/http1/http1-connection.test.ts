import { once } from 'node:events';
import { expect, test } from 'vitest';
import { createTestClient, startRawServer } from '../../testing/http-exchanges.ts';
import { until } from '../../testing/http.ts';
import { createTestClock } from '../../testing/test-clock.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n';
const ANSWER = `${OK}Content-Length: 2\r\n\r\n{}`;

test('small requests go out in one piece', async () => {
  const pieces: string[] = [];
  await using server = await startRawServer((socket, text) => {
    pieces.push(text);
    socket.write(ANSWER);
  });
  await using it = await createTestClient(server.url);
  await it.ask({ headers: ['x-a', '\xe9'], body: Buffer.from('{"a":"\u{1f600}"}') });
  const head = `POST /mcp?a=b HTTP/1.1\r\nhost: 127.0.0.1:${server.port}\r\naccept-encoding: identity\r\nx-a: \xe9\r\ncontent-length: 12\r\n\r\n`;
  expect(pieces).toEqual([`${head}${Buffer.from('{"a":"\u{1f600}"}').toString('latin1')}`]);
});

test('an unfit header fails its exchange without being sent or shown, and disturbs nothing', async () => {
  await using server = await startRawServer((socket) => socket.write(ANSWER));
  await using it = await createTestClient(server.url);
  const { reason, sent, cause } = await it.ask({ headers: ['x-a', 'secret\r\nx-c: d'] });
  expect({ reason, sent }).toEqual({
    reason: 'Cannot send the header "x-a": its value has characters that headers must not have',
    sent: false,
  });
  expect(cause).toMatchObject({ code: 'INVALID_REQUEST' });
  expect((await it.ask()).text).toBe('{}');
  expect(server.received).toHaveLength(1);
});

test('an answer that arrives byte by byte is read like any other', async () => {
  await using server = await startRawServer(async (socket) => {
    for (const byte of `HTTP/1.1 100 Continue\r\n\r\n${OK}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`) {
      socket.write(byte);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  });
  await using it = await createTestClient(server.url);
  for (let round = 0; round < 2; round++) expect(await it.ask()).toMatchObject({ status: 200, text: '{}' });
  expect(server.sockets).toHaveLength(1);
});

test.each([
  ['the end of the connection', 'HTTP/1.1 200 OK\r\n\r\n', '{}'],
  ['the end of the connection in HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\n', '{}'],
  ['its length in HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n', '{}'],
  ['its length, with the wish to close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n', '{}'],
])('a body may end with %s; the connection is not used again', async (_name, head, body) => {
  await using server = await startRawServer((socket) => socket.end(head + body));
  await using it = await createTestClient(server.url);
  for (let round = 0; round < 2; round++) expect(await it.ask()).toMatchObject({ status: 200, text: body });
  expect(server.sockets).toHaveLength(2);
});

test('a connection that is to be closed is closed by us when the server does not', async () => {
  await using server = await startRawServer((socket) =>
    socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}'),
  );
  await using it = await createTestClient(server.url);
  expect((await it.ask()).text).toBe('{}');
  await until(() => server.sockets[0]!.destroyed, 'the server sees it closed');
});

test.each([
  ['nothing at all', ''],
  ['half a head', 'HTTP/1.1 200 OK\r\nContent-'],
  ['half a body', `${OK}Content-Length: 10\r\n\r\n{`],
  ['half a chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\n{`],
  ['half a stream', 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n:\n\n\r\n'],
])('a server that sends %s and closes the connection fails the exchange', async (_name, text) => {
  await using server = await startRawServer((socket) => socket.end(text));
  await using it = await createTestClient(server.url);
  expect(await it.ask()).toMatchObject({ reason: 'the connection was closed by the other side before its answer was whole', sent: true });
});

test('an event stream without a length ends with its connection', async () => {
  await using server = await startRawServer((socket) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n'),
  );
  await using it = await createTestClient(server.url);
  expect(await it.ask()).toMatchObject({ events: ['a'], isStreamEnd: true });
});

test.each([
  ['bytes after the end', `${ANSWER}HTTP/1.1 200 OK\r\n`, /more than its end/],
  ['bytes after the last chunk', `${OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nx`, /more than its end/],
  ['something else than HTTP', '{"jsonrpc":"2.0"}', /status line/],
  ['two lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} `, /Content-Length/],
  ['a compressed answer', `${OK}Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`, /compressed/],
])('%s fail the exchange, and the connection is closed', async (_name, text, reason) => {
  let answer = text;
  await using server = await startRawServer((socket) => socket.write(answer));
  await using it = await createTestClient(server.url);
  expect(await it.ask()).toMatchObject({ reason: expect.stringMatching(reason), sent: true });
  answer = ANSWER;
  expect((await it.ask()).text).toBe('{}');
  expect(server.sockets).toHaveLength(2);
  await until(() => server.sockets[0]!.destroyed, 'the server sees the first connection closed');
});

test('bytes on an idle connection end it, and no later request takes them for its answer', async () => {
  await using server = await startRawServer((socket, text) =>
    socket.write(text.startsWith('GET') ? `${OK}Content-Length: 3\r\n\r\nnew` : ANSWER),
  );
  await using it = await createTestClient(server.url);
  await it.ask();
  server.sockets[0]!.write(`${OK}Content-Length: 6\r\n\r\nforged`);
  await until(() => server.sockets[0]!.destroyed, 'the connection is closed');
  expect((await it.ask({ method: 'GET' })).text).toBe('new');
  expect(server.sockets).toHaveLength(2);
});

test('an idle connection its server has closed is not used again', async () => {
  await using server = await startRawServer((socket) => socket.write(ANSWER));
  await using it = await createTestClient(server.url);
  await it.ask();
  server.sockets[0]!.end();
  await once(server.sockets[0]!, 'close');
  expect((await it.ask()).text).toBe('{}');
  expect(server.sockets).toHaveLength(2);
});

test('a request the kernel refuses for a connection just reset was not sent', async () => {
  await using server = await startRawServer((socket) => socket.write(ANSWER));
  await using it = await createTestClient(server.url);
  await it.ask();
  server.sockets[0]!.resetAndDestroy();
  expect(await it.ask()).toMatchObject({ reason: expect.stringMatching(/ECONNRESET|EPIPE/), sent: false });
  expect(server.received[0]!.match(/POST/g)).toHaveLength(1);
  expect((await it.ask()).text).toBe('{}');
});

test('a request the kernel took may have been sent, though the server closed the connection meanwhile', async () => {
  await using server = await startRawServer((socket) => socket.write(ANSWER));
  await using it = await createTestClient(server.url);
  await it.ask();
  server.sockets[0]!.destroy();
  expect(await it.ask()).toMatchObject({ reason: expect.stringMatching(/closed|ECONNRESET/), sent: true });
});

test('an answer that comes before the request is through is taken, and the connection is not used again', async () => {
  await using server = await startRawServer((socket) => {
    if (server.received[0]!.length > 70_000) return;
    socket.pause();
    socket.write(ANSWER);
  });
  await using it = await createTestClient(server.url);
  expect((await it.ask({ body: Buffer.alloc(30_000_000) })).text).toBe('{}');
  await until(() => server.sockets.length === 1, 'the server has its connection');
  server.sockets[0]!.resume();
  await once(server.sockets[0]!, 'close');
});

test('a fault of the sink ends its exchange', async () => {
  await using server = await startRawServer((socket) => socket.write(ANSWER));
  await using it = await createTestClient(server.url);
  const reason = await new Promise((resolve) => {
    it.client.send(
      { method: 'GET', headers: [] },
      {
        onHead: () => {
          throw new Error('no');
        },
        onBody: () => resolve('a body'),
        onEvent: () => undefined,
        onStreamEnd: () => undefined,
        onFailure: ({ reason }) => resolve(reason),
      },
    );
  });
  expect(reason).toBe('no');
});

test('a sink may send its next request while it is told of an answer', async () => {
  await using server = await startRawServer((socket) => socket.write(ANSWER));
  await using it = await createTestClient(server.url);
  let left = 50;
  await new Promise<void>((resolve, reject) => {
    const next = (): unknown =>
      it.client.send(
        { method: 'POST', headers: [] },
        {
          onBody: () => (--left === 0 ? resolve() : next()),
          onEvent: () => undefined,
          onStreamEnd: () => undefined,
          onFailure: ({ cause }) => reject(cause),
        },
      );
    next();
  });
  expect(server.sockets).toHaveLength(1);
});

test('a stream broken off in its first event brings no second one', async () => {
  await using server = await startRawServer((socket) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\ndata: b\n\n'),
  );
  await using it = await createTestClient(server.url);
  const events: string[] = [];
  const exchange = it.client.send(
    { method: 'GET', headers: [] },
    {
      onBody: () => events.push('body'),
      onEvent: ({ data }) => {
        events.push(data.toString());
        exchange.abort();
      },
      onStreamEnd: () => events.push('end'),
      onFailure: () => events.push('failure'),
    },
  );
  await until(() => server.sockets[0]?.destroyed === true, 'the server sees the connection closed');
  expect(events).toEqual(['a']);
});

test('whoever cannot be connected in time is told so, and was not sent', async () => {
  const clock = createTestClock();
  // The server takes the connection but never begins with TLS.
  await using server = await startRawServer(() => undefined);
  await using it = await createTestClient(server.url.replace('http:', 'https:'), { clock, connectMs: 300 });
  const { ended, exchange } = it.start();
  await until(() => server.received[0]?.length !== undefined && server.received[0] !== '', 'the greeting is here');
  clock.advance(299);
  expect(exchange.isOver).toBe(false);
  clock.advance(1);
  expect(await ended).toMatchObject({ reason: 'no connection in 300 ms', sent: false });
  expect(clock.pending).toBe(0);
});

test('each request that waits for a connection learns that none can be made', async () => {
  const server = await startRawServer(() => undefined);
  await server[Symbol.asyncDispose]();
  await using it = await createTestClient(server.url);
  const results = await Promise.all(Array.from({ length: 300 }, () => it.ask()));
  expect(results.every(({ sent, reason }) => sent === false && reason === 'the connection was refused; nothing listens there')).toBe(true);
});

// A name no resolver has to be asked for: its first part is longer than names can be.
test('a host without an address is named as such', async () => {
  await using it = await createTestClient(`http://${'a'.repeat(64)}.invalid/`);
  expect(await it.ask()).toMatchObject({ reason: 'its host name cannot be resolved', sent: false });
});

test('the connection used last is used first', async () => {
  await using server = await startRawServer((socket, text) => {
    if (!text.includes('x-hold')) socket.write(ANSWER);
  });
  await using it = await createTestClient(server.url);
  const held = [it.start({ headers: ['x-hold', '1'] }), it.start({ headers: ['x-hold', '2'] })];
  await until(() => server.received.filter((text) => text !== '').length === 2, 'both are here');
  const first = server.received.findIndex((text) => text.includes('x-hold: 1'));
  server.sockets[1 - first]!.write(ANSWER);
  await held[1]!.ended;
  server.sockets[first]!.write(ANSWER);
  await held[0]!.ended;
  for (let round = 0; round < 3; round++) await it.ask({ headers: ['x-after', 'yes'] });
  expect(server.received[first]!.match(/x-after/g)).toHaveLength(3);
});
