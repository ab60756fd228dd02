import { gzipSync } from 'node:zlib';
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { residentBytes } from '../../e2e/support/process-tree.ts';
import { rpc } from '../../e2e/support/raw-client.ts';
import {
  openTool,
  startRecordingServer,
  toResult,
  type Answer,
  type RecordingServer,
  type SeenRequest,
} from '../servers/recording-server.ts';
import { callTool, toolNames, untilState, whileOthersAnswer } from '../support/observe.ts';

// H14: event streams from an upstream that means ill. Each is read as the standard says, or is an error that names the upstream.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

const MIB = 1024 * 1024;
const LARGE = 'an event of more than 64 MB';
const STREAM = 'Content-Type: text/event-stream';

/** Writes an answer whose end is the end of the connection. */
function stream(socket: Socket, body: string | Buffer, head = STREAM, status = 200): void {
  socket.write(`HTTP/1.1 ${status} Whatever\r\n${head}\r\nConnection: close\r\n\r\n`);
  socket.end(body);
}

function idOf(request: SeenRequest): number {
  return request.message.id as number;
}

/** The good answer to a call, as JSON text. */
function good(request: SeenRequest, id: unknown = idOf(request), text = 'good'): string {
  return toResult(id, { resultType: 'complete', content: [{ type: 'text', text }] });
}

type Write = (request: SeenRequest, socket: Socket, canaryPort: number) => void;

/** Streams that hold the good answer, however they are written. */
const READABLE: Readonly<Record<string, Write>> = {
  'one event': (request, socket) => stream(socket, `data: ${good(request)}\n\n`),
  'data over many lines': (request, socket) => stream(socket, `data: ${good(request).replaceAll(',', ',\ndata: ')}\n\n`),
  'lines that end with CR': (request, socket) => stream(socket, `event: message\rdata: ${good(request)}\r\r`),
  'lines that end with CRLF': (request, socket) => stream(socket, `event: message\r\ndata: ${good(request)}\r\n\r\n`),
  'lines that end in every way': (request, socket) => stream(socket, `:a\rdata: ${good(request).replace(',', ',\r\ndata: ')}\n\r`),
  'a byte order mark': (request, socket) => stream(socket, `\ufeffdata: ${good(request)}\n\n`),
  'data without a space': (request, socket) => stream(socket, `data:${good(request)}\n\n`),
  'comments everywhere': (request, socket) => stream(socket, `:\n: ping\n\n:\ndata: ${good(request)}\n: data: {}\n\n:\n\n`),
  'comments of 1 MB': (request, socket) => stream(socket, `${`: ${'x'.repeat(MIB)}\n`.repeat(4)}data: ${good(request)}\n\n`),
  'an id with a NUL': (request, socket) => stream(socket, `id: a\0b\ndata: ${good(request)}\n\n`),
  'an id that tries to be a header': (request, socket) => stream(socket, `id: 1\rX-Injected: y\ndata: ${good(request)}\n\n`),
  'waits that are none': (request, socket) =>
    stream(socket, `retry: soon\nretry: -1\nretry: 1e9\nretry: ${'9'.repeat(40)}\nretry:\ndata: ${good(request)}\n\n`),
  'fields nobody knows': (request, socket) => stream(socket, `foo: bar\ndatas: {}\nDATA: {}\nnothing\ndata: ${good(request)}\n\n`),
  'an event that is no message before': (request, socket) => stream(socket, `data: <html>\n\ndata: ${good(request)}\n\n`),
  'an event without its end before': (request, socket) => stream(socket, `data: {"jsonrpc":"2.0"\n\ndata: ${good(request)}\n\n`),
  'bytes that are no UTF-8 before': (request, socket) =>
    stream(socket, Buffer.concat([Buffer.from('data: "'), Buffer.from([0xff, 0xc0]), Buffer.from(`"\n\ndata: ${good(request)}\n\n`)])),
  'a batch before': (request, socket) => stream(socket, `data: [${good(request, idOf(request), 'evil')}]\n\ndata: ${good(request)}\n\n`),
  'an answer to another request before': (request, socket) =>
    stream(socket, `data: ${good(request, idOf(request) + 1, 'evil')}\n\ndata: ${good(request)}\n\n`),
  'an answer to an id of the same digits before': (request, socket) =>
    stream(socket, `data: ${good(request, String(idOf(request)), 'evil')}\n\ndata: ${good(request)}\n\n`),
  'an answer to nobody before': (request, socket) => stream(socket, `data: ${good(request, null, 'evil')}\n\ndata: ${good(request)}\n\n`),
  'a second answer': (request, socket) => stream(socket, `data: ${good(request)}\n\ndata: ${good(request, idOf(request), 'evil')}\n\n`),
  'a result in a notification': (request, socket) =>
    stream(
      socket,
      `data: ${good(request, idOf(request), 'evil').replace('"id":', '"method":"notifications/message","was":')}\n\ndata: ${good(request)}\n\n`,
    ),
  'a result in a request': (request, socket) =>
    stream(
      socket,
      `data: ${good(request, idOf(request), 'evil').replace('"id":', '"method":"sampling/createMessage","id":')}\n\ndata: ${good(request)}\n\n`,
    ),
  'a request of the server before': (request, socket) =>
    stream(socket, `data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","params":{}}\n\ndata: ${good(request)}\n\n`),
  'an address of another origin before': (request, socket, canaryPort) =>
    stream(socket, `event: endpoint\ndata: http://127.0.0.1:${canaryPort}/steal\n\ndata: ${good(request)}\n\n`),
  'a status of 201': (request, socket) => stream(socket, `data: ${good(request)}\n\n`, STREAM, 201),
  'a type in odd letters': (request, socket) =>
    stream(socket, `data: ${good(request)}\n\n`, 'content-TYPE: Text/Event-Stream ; Charset=utf-8'),
  'plain JSON with a status of 201': (request, socket) => stream(socket, good(request), 'Content-Type: application/json', 201),
  'plain JSON with a type in odd letters': (request, socket) => stream(socket, good(request), 'Content-Type: Application/JSON ;x'),
  '200,000 lines of nothing before its data': (request, socket) => stream(socket, `${'data:\n'.repeat(200_000)}data: ${good(request)}\n\n`),
  '200,000 lines of nothing behind its data': (request, socket) => stream(socket, `data: ${good(request)}\n${'data:\n'.repeat(200_000)}\n`),
  '200,000 comments': (request, socket) => stream(socket, `${':\n'.repeat(200_000)}data: ${good(request)}\n\n`),
  '200,000 empty events': (request, socket) => stream(socket, `${'data\n\n'.repeat(200_000)}data: ${good(request)}\n\n`),
  'one byte at a time': (request, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\n${STREAM}\r\nTransfer-Encoding: chunked\r\n\r\n`);
    socket.setNoDelay(true);
    for (const byte of Buffer.from(`data: ${good(request)}\r\n\r\n`)) socket.write(`1\r\n${String.fromCharCode(byte)}\r\n`, 'latin1');
    socket.end('0\r\n\r\n');
  },
};

/** Streams that hold no answer to the call, and what the caller is told. */
const UNREADABLE: Readonly<Record<string, readonly [RegExp, Write]>> = {
  nothing: [/its stream ended without an answer/, (_, socket) => stream(socket, '')],
  'no empty line at the end': [/its stream ended without an answer/, (request, socket) => stream(socket, `data: ${good(request)}`)],
  'one line end too few': [/its stream ended without an answer/, (request, socket) => stream(socket, `data: ${good(request)}\n`)],
  'an answer to another request': [
    /its stream ended without an answer/,
    (request, socket) => stream(socket, `data: ${good(request, idOf(request) + 1, 'evil')}\n\n`),
  ],
  'an answer to nobody': [
    /its stream ended without an answer/,
    (request, socket) => stream(socket, `data: ${good(request, null, 'evil')}\n\n`),
  ],
  'an answer to a rounded id': [
    /its stream ended without an answer/,
    (request, socket) => stream(socket, `data: ${good(request, idOf(request), 'evil').replace(/"id":(\d+)/, '"id":$1.0')}\n\n`),
  ],
  'a result in a notification and no more': [
    /its stream ended without an answer/,
    (request, socket) => stream(socket, `data: ${good(request, 0, 'evil').replace('"id":0', '"method":"notifications/message"')}\n\n`),
  ],
  'a batch': [
    /its stream ended without an answer/,
    (request, socket) => stream(socket, `data: [${good(request, idOf(request), 'evil')}]\n\n`),
  ],
  'a result and an error': [
    /its stream ended without an answer/,
    (request, socket) =>
      stream(socket, `data: ${good(request, idOf(request), 'evil').replace('"id":', '"error":{"code":1,"message":"x"},"id":')}\n\n`),
  ],
  'an answer of another version': [
    /its stream ended without an answer/,
    (request, socket) => stream(socket, `data: ${good(request, idOf(request), 'evil').replace('"2.0"', '"1.0"')}\n\n`),
  ],
  [LARGE]: [
    /the answer has more than 67108864 bytes/,
    (request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${STREAM}\r\nConnection: close\r\n\r\ndata: `);
      socket.write(Buffer.alloc(65 * MIB, 'x'));
      socket.end(`\n\ndata: ${good(request)}\n\n`);
    },
  ],
  'a packed stream': [
    /its answer is compressed/,
    (request, socket) => stream(socket, gzipSync(`data: ${good(request)}\n\n`), `${STREAM}\r\nContent-Encoding: gzip`),
  ],
  'packed JSON': [
    /its answer is compressed/,
    (request, socket) => stream(socket, gzipSync(good(request)), 'Content-Type: application/json\r\nContent-Encoding: gzip'),
  ],
  'JSON that calls itself a page': [
    /answered with "text\/html"/,
    (request, socket) => stream(socket, good(request), 'Content-Type: text/html'),
  ],
  'two lengths': [
    /no valid HTTP/,
    (request, socket) => stream(socket, good(request), 'Content-Type: application/json\r\nContent-Length: 5\r\nContent-Length: 6'),
  ],
  'a length and chunks': [
    /no valid HTTP/,
    (request, socket) => stream(socket, good(request), 'Content-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked'),
  ],
  'a drop in the middle': [
    /Cannot reach upstream "web"/,
    (_, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${STREAM}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ndata:\r\n`);
      setImmediate(() => socket.resetAndDestroy());
    },
  ],
};

const writes: Readonly<Record<string, Write>> = {
  ...READABLE,
  ...Object.fromEntries(Object.entries(UNREADABLE).map(([name, [, write]]) => [name, write])),
};

describe.each(['modern', 'handshake'] as const)('H14: from a %s upstream', (era) => {
  let canary: RecordingServer;
  let upstream: RecordingServer;
  let beside: RecordingServer;
  let gateway: RunningGateway;
  let answer: Answer;

  beforeAll(async () => {
    canary = await startRecordingServer();
    beside = await startRecordingServer();
    upstream = await startRecordingServer({ era, tools: [openTool('stream')] });
    answer = (request, socket) => {
      const write = request.method === 'tools/call' ? writes[String(request.arguments['as'])] : undefined;
      write?.(request, socket, canary.port);
      return write !== undefined;
    };
    upstream.answer = answer;
    const quiet = { health: { intervalMs: 86_400_000 } };
    gateway = await startGateway({
      config: {
        mcpServers: {
          web: { url: upstream.url, ...quiet, breaker: { failures: 1_000 } },
          good: { url: beside.url, ...quiet },
        },
      },
    });
    for (const name of ['web', 'good']) await untilState(gateway, name, 'ready');
  });

  afterAll(async () => {
    await gateway.stop();
    for (const server of [canary, upstream, beside]) await server[Symbol.asyncDispose]();
  });

  test.each(Object.keys(READABLE))('%s: the answer is found, and others do not wait for it', async (as) => {
    const session = rpc(gateway.url).modern();
    const { result, slowestMs } = await whileOthersAnswer(gateway, () => callTool(session, 'stream', { as }));
    expect([result.text, result.error]).toEqual(['good', undefined]);
    expect(slowestMs).toBeLessThan(3_000);
  });

  test.each(Object.entries(UNREADABLE).map(([as, [reason]]) => [as, reason] as const))('%s: an error that says why', async (as, reason) => {
    const callsBefore = upstream.calls.length;
    const { text, error } = await callTool(rpc(gateway.url).modern(), 'stream', { as });
    expect([text, error]).toMatchObject([undefined, { message: expect.stringMatching(reason) as unknown, data: { upstream: 'web' } }]);
    expect(error!.message).toMatch(/^Cannot /);
    expect(JSON.stringify(error)).not.toContain('evil');
    // It may have run, so it is not sent again.
    expect(upstream.calls.length).toBe(callsBefore + 1);
  });

  test('a stream without an end: an error after the time the caller gives it', async () => {
    upstream.answer = (request, socket) =>
      request.method === 'tools/call' && socket.write(`HTTP/1.1 200 OK\r\n${STREAM}\r\n\r\n: wait\n\n`);
    const params = { name: 'stream', arguments: {}, _meta: { 'signalbox.dev/timeoutMs': 500 } };
    const { error } = await rpc(gateway.url).modern().request('tools/call', params);
    expect(error).toMatchObject({ message: expect.stringMatching(/no answer in [\d.]+ ms/) as unknown, data: { upstream: 'web' } });
    upstream.answer = answer;
  });

  // The same code reads the streams of both generations, and the large ones take their time.
  test.runIf(era === 'modern')('four events of more than 64 MB cost less memory than four such events, and hold up nobody', async () => {
    const session = rpc(gateway.url).modern();
    const before = residentBytes(gateway.pid);
    const { slowestMs, peakBytes } = await whileOthersAnswer(gateway, async () => {
      for (let round = 0; round < 4; round++) await callTool(session, 'stream', { as: LARGE });
    });
    expect(peakBytes - before).toBeLessThan(4 * 64 * MIB);
    expect(slowestMs).toBeLessThan(3_000);
  });

  test.each([
    ['at once', (write: () => void) => write()],
    ['a moment later', (write: () => void) => void setImmediate(write)],
  ])('what comes behind an answer, %s, is not taken for the answer to the next call', async (_, when) => {
    const session = rpc(gateway.url).modern();
    upstream.answer = (request, socket) => {
      if (request.method !== 'tools/call') return false;
      const frame = (text: string) => {
        const body = good(request, idOf(request), text);
        return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
      };
      const [mine, again] = [frame('mine'), frame('evil')];
      socket.write(mine);
      when(() => void socket.write(again));
      return true;
    };
    for (let round = 0; round < 20; round++) {
      const { text, error } = await callTool(session, 'stream');
      expect(text ?? error?.message).toMatch(/^(?:mine$|Cannot (?:reach|understand) upstream "web": )/);
    }
  });

  test('nobody has gone where a stream pointed, and the gateway serves as before', async () => {
    upstream.answer = undefined;
    expect(canary.seen).toEqual([]);
    for (const session of [rpc(gateway.url).modern(), await rpc(gateway.url).handshake()]) {
      expect((await callTool(session, 'stream', { text: 'hi' })).text).toBe('hi');
      await session.close();
    }
    expect(upstream.seen.every((request) => !request.head.includes('X-Injected'))).toBe(true);
  });
});

/** How an upstream may give its list, so that who only filters the usual form would let everything through. */
const LISTS: Readonly<Record<string, (socket: Socket, list: string) => void>> = {
  'a type in odd letters': (socket, list) => stream(socket, list, 'Content-Type: Application/JSON'),
  'a type with a parameter': (socket, list) => stream(socket, list, 'Content-Type: application/json ;x'),
  'a status of 201': (socket, list) => stream(socket, list, 'Content-Type: application/json', 201),
  'a notification first': (socket, list) =>
    stream(socket, `data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}\n\ndata: ${list}\n\n`),
  'a line that is no message first': (socket, list) => stream(socket, `data: {"x\n\ndata: ${list}\n\n`),
  'a result in a notification': (socket, list) =>
    stream(socket, `data: ${list.replace('"id":', '"method":"notifications/x","id":')}\n\ndata: ${list}\n\n`),
  'two answers': (socket, list) => stream(socket, `data: ${list}\n\ndata: ${list}\n\n`),
  packed: (socket, list) => stream(socket, gzipSync(list), 'Content-Type: application/json\r\nContent-Encoding: gzip'),
};

test('H14: a denied tool is never listed and never called, whatever form its list has', async () => {
  const forms = Object.entries(LISTS);
  const upstreams = await Promise.all(
    forms.map(([, write], index) =>
      startRecordingServer({
        answer: (request, socket) => {
          if (request.method !== 'tools/list') return false;
          write(
            socket,
            toResult(request.message.id, {
              resultType: 'complete',
              tools: [`denied_${index}`, `ok_${index}`].map((name) => openTool(name)),
            }),
          );
          return true;
        },
      }),
    ),
  );
  const entries = upstreams.map(({ url }, index) => [`u${index}`, { url, tools: { deny: ['denied_*'] } }]);
  await using gateway = await startGateway({ config: { mcpServers: Object.fromEntries(entries) as object } });
  for (const [index, [name]] of forms.entries()) await untilState(gateway, `u${index}`, name === 'packed' ? 'failed' : 'ready');
  const session = rpc(gateway.url).modern();
  expect((await toolNames(session)).toSorted()).toEqual(forms.flatMap(([name], index) => (name === 'packed' ? [] : [`ok_${index}`])));
  for (const index of forms.keys()) expect((await callTool(session, `denied_${index}`)).error).toMatchObject({ code: -32602 });
  expect(upstreams.flatMap(({ calls }) => calls)).toEqual([]);
  for (const upstream of upstreams) await upstream[Symbol.asyncDispose]();
});
