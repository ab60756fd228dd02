import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GatewayError, systemClock, type Answer, type Clock, type Request } from '@signalbox/core';
import { SseDecoder } from '../messages/sse.ts';
import { serve } from '../testing/http-exchanges.ts';
import { until } from '../testing/http.ts';
import { createTestClock } from '../testing/test-clock.ts';
import { createTestHandler } from '../testing/test-handler.ts';
import { createTestSeal } from '../testing/test-seal.ts';
import { createHttpServer } from '../transports/http-server.ts';
import { openHttp } from './http-connection.ts';

type Era = 'modern' | 'handshake';

interface Incoming {
  readonly id: number;
  readonly response: ServerResponse;
}

interface Bridge extends AsyncDisposable {
  readonly url: string;
  /** How the calls ended for the gateway. */
  readonly ends: (Answer['kind'] | string)[];
  readonly requests: Request[];
}

/** A server that answers calls with `answer`, and a gateway in front of it that lets results flow. */
async function bridge(
  { server = 'handshake', maxMessageBytes = 10_000_000, clock = systemClock }: { server?: Era; maxMessageBytes?: number; clock?: Clock },
  answer: (incoming: Incoming) => void,
): Promise<Bridge> {
  const upstream = await serve(createServer((incoming, response) => answerUpstream(incoming, { response, server, answer })));
  const connection = await openHttp({
    upstream: 'web',
    client: { name: 'signalbox', version: '0.1.0' },
    revision: server,
    handshakeMs: 5_000,
    connectMs: 2_000,
    maxMessageBytes,
    url: upstream.url,
    headers: {},
    clock,
    onNotification: () => undefined,
  });
  const ends: string[] = [];
  const requests: Request[] = [];
  const gateway = createHttpServer({
    handler: {
      ...createTestHandler(),
      request: async (incoming) => {
        requests.push(incoming);
        try {
          const answer = await connection.pour!({ ...incoming, timeoutMs: 60_000 }, incoming.sink!);
          ends.push(answer.kind);
          return answer;
        } catch (error) {
          ends.push(error instanceof GatewayError ? error.code : String(error));
          throw error;
        }
      },
    },
    seal: createTestSeal(),
    port: 0,
    limits: { maxMessageBytes: 100_000, maxDepth: 32 },
    sessions: { idleSeconds: 60, max: 100, maxAgeSeconds: 3600 },
  });
  const { url } = await gateway.listen();
  return {
    url,
    ends,
    requests,
    [Symbol.asyncDispose]: async () => {
      await gateway.close(0);
      await connection.close();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

function answerUpstream(
  incoming: IncomingMessage,
  { response, server, answer }: { readonly response: ServerResponse; readonly server: Era; readonly answer: (incoming: Incoming) => void },
): void {
  if (incoming.method !== 'POST') return void response.writeHead(405).end();
  const chunks: Buffer[] = [];
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
  incoming.on('end', () => {
    const { id, method } = JSON.parse(Buffer.concat(chunks).toString()) as { readonly id: number; readonly method: string };
    if (method === 'tools/call') return answer({ id, response });
    const info = { capabilities: {}, serverInfo: { name: 'w', version: '1' } };
    const result =
      server === 'modern'
        ? { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} }
        : { protocolVersion: '2025-11-25', ...info };
    if (method === 'initialize' || method === 'server/discover')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    else response.writeHead(202).end();
  });
}

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Whether the answer came to its end, or was broken off. */
  readonly isWhole: boolean;
}

const MODERN_HEADERS = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'big' };
const MODERN_META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** Sends a message and gives the open answer. */
function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent: false,
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
      },
      resolve,
    );
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

async function receive(answer: IncomingMessage): Promise<Received> {
  const chunks: Buffer[] = [];
  await new Promise<void>((resolve) => {
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('error', () => undefined);
    answer.on('close', resolve);
  });
  return { headers: answer.headers, text: Buffer.concat(chunks).toString('utf8'), isWhole: answer.complete };
}

async function openCall(url: string, era: Era, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const params = { name: 'big', arguments: {} };
  const message = { jsonrpc: '2.0', id: 'mine', method: 'tools/call' };
  if (era === 'modern') return post(url, { ...message, params: { ...params, _meta: MODERN_META } }, { ...MODERN_HEADERS, ...headers });
  const opening = await post(url, {
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    // Clients of the newest handshake revision get an event ahead of all others.
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
  });
  const session = { 'mcp-session-id': String(opening.headers['mcp-session-id']) };
  await receive(opening);
  return post(url, { ...message, params: { ...params, _meta: { progressToken: 1 } } }, { ...session, ...headers });
}

async function callTool(url: string, era: Era, headers?: Record<string, string>): Promise<Received> {
  return receive(await openCall(url, era, headers));
}

const TEXT = 'A line with "quotes", a backslash \\ and 漢字\n'.repeat(4_000);
const CONTENT = `"content":[{"type":"text","text":${JSON.stringify(TEXT)}}],"structuredContent":{"n":9007199254740993}`;

function sendJson({ response }: Incoming, text: string, isChunked = false): void {
  const bytes = Buffer.from(text);
  response.writeHead(200, { 'content-type': 'application/json', ...(isChunked ? {} : { 'content-length': bytes.length }) });
  for (let at = 0; at < bytes.length; at += 50_000) response.write(bytes.subarray(at, at + 50_000));
  response.end();
}

function sendEvents({ response }: Incoming, ...lines: readonly string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.end(lines.map((line) => `${line}\n`).join(''));
}

// Two long texts that differ are better not printed.
function expectSame(text: string, wanted: string): void {
  let at = 0;
  while (at < wanted.length && text[at] === wanted[at]) at++;
  expect([text.length, text.slice(at, at + 60)]).toEqual([wanted.length, wanted.slice(at, at + 60)]);
}

const answerOf = (id: number, result: string) => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;

test.each([false, true])('a large result of a server of the same generation arrives byte for byte, chunked: %s', async (isChunked) => {
  const result = `{ "_meta":{"a":1},\n ${CONTENT} , "isError" : false }`;
  await using it = await bridge({}, (incoming) => sendJson(incoming, answerOf(incoming.id, result), isChunked));
  const { text, isWhole, headers } = await callTool(it.url, 'handshake');
  expectSame(text, `{"jsonrpc":"2.0","id":"mine","result":${result}}`);
  expect([isWhole, headers['content-length'] === undefined]).toEqual([true, isChunked]);
  expect(it.ends).toEqual(['delivered']);
});

test('members of a message may come in any order, and what fills up a promised length is white space', async () => {
  const orders = [
    (id: number, result: string) => `{"result":${result},"jsonrpc":"2.0","id":${id}}`,
    (id: number, result: string) => `{"vendor":[{"x":"}"}],"jsonrpc":"2.0","result":${result},"more":{"y":1},"id":${id}}\n`,
  ];
  for (const order of orders) {
    await using it = await bridge({}, (incoming) => sendJson(incoming, order(incoming.id, `{${CONTENT}}`)));
    const { text, isWhole } = await callTool(it.url, 'handshake');
    expectSame(text.replace(/ +\}$/, '}'), `{"jsonrpc":"2.0","id":"mine","result":{${CONTENT}}}`);
    expect([isWhole, it.ends]).toEqual([true, ['delivered']]);
  }
});

test('a result crosses from either generation to the other while it flows', async () => {
  const results = {
    handshake: `{${CONTENT},"isError":true,"_meta":{"vendor":1}}`,
    modern: `{${CONTENT},"isError":true,"resultType":"complete","ttlMs":5,"_meta":{"vendor":1}}`,
  };
  for (const server of ['handshake', 'modern'] as const) {
    for (const client of ['handshake', 'modern'] as const) {
      for (const isChunked of [false, true]) {
        await using it = await bridge({ server }, (incoming) => sendJson(incoming, answerOf(incoming.id, results[server]), isChunked));
        const { text, isWhole } = await callTool(it.url, client);
        const { result } = JSON.parse(text) as { readonly result: Record<string, unknown> };
        expect(Object.keys(result).toSorted()).toEqual(
          [
            '_meta',
            'content',
            'isError',
            'structuredContent',
            ...(client === 'modern' ? ['resultType'] : []),
            ...(client === 'modern' && server === 'modern' ? ['ttlMs'] : []),
          ].toSorted(),
        );
        expect(text.includes(CONTENT)).toBe(true);
        expect([isWhole, it.ends], `${server} to ${client}`).toEqual([true, ['delivered']]);
      }
    }
  }
});

test('structured content that is no object becomes one for a handshake client', async () => {
  const result = `{${CONTENT.replace('{"n":9007199254740993}', '[1,"]"]')},"resultType":"complete"}`;
  await using it = await bridge({ server: 'modern' }, (incoming) => sendJson(incoming, answerOf(incoming.id, result)));
  const read = async (era: Era) => (JSON.parse((await callTool(it.url, era)).text) as { readonly result: Record<string, unknown> }).result;
  expect((await read('handshake'))['structuredContent']).toEqual({ value: [1, ']'] });
  expect((await read('modern'))['structuredContent']).toEqual([1, ']']);
  expect(it.ends).toEqual(['delivered', 'delivered']);
});

test('what a modern server asks of its client is not let through unseen', async () => {
  const asking = `{"resultType":"input_required","inputRequests":{},"requestState":${JSON.stringify(TEXT)}}`;
  await using early = await bridge({ server: 'modern' }, (incoming) => sendJson(incoming, answerOf(incoming.id, asking)));
  await callTool(early.url, 'handshake');
  expect(early.ends).not.toContain('delivered');
  // Here the first member promises a complete result, and the last one breaks the promise.
  const late = `{${CONTENT},"resultType":"input_required"}`;
  await using it = await bridge({ server: 'modern' }, (incoming) => sendJson(incoming, answerOf(incoming.id, late)));
  expect((await callTool(it.url, 'handshake')).isWhole).toBe(false);
  expect(it.ends).toEqual(['UPSTREAM_PROTOCOL']);
  expect((await callTool(it.url, 'modern')).isWhole).toBe(false);
});

test('a large result on a stream of events flows, with progress before it and lines within it', async () => {
  const progress = 'data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}';
  for (const lead of [[], [progress, '']]) {
    await using it = await bridge({}, (incoming) =>
      sendEvents(
        incoming,
        ...lead,
        'event: message',
        `data: {"jsonrpc":"2.0",`,
        `data: "result":{${CONTENT}`,
        `data: ,"isError":false}`,
        `data: ,"id":${incoming.id}}`,
        'id: 7',
        '',
      ),
    );
    const { text, isWhole, headers } = await callTool(it.url, 'handshake');
    let type = 'application/json';
    let last = text;
    if (lead.length > 0) {
      type = 'text/event-stream';
      new SseDecoder({ maxBytes: 1e7, onEvent: ({ data }) => (last = data.toString()) }).push(Buffer.from(text));
    }
    expect(headers['content-type']).toBe(type);
    expectSame(last, `{"jsonrpc":"2.0","id":"mine","result":{${CONTENT}${lead.length > 0 ? ' ' : '\n'},"isError":false}}`);
    expect([isWhole, text.split('\n').length, it.ends]).toEqual([true, lead.length > 0 ? 8 : 2, ['delivered']]);
  }
});

test('a client that takes events only gets the result as one', async () => {
  await using it = await bridge({}, (incoming) => sendJson(incoming, answerOf(incoming.id, `{\n${CONTENT}\r\n}`)));
  const { text } = await callTool(it.url, 'handshake', { accept: 'text/event-stream' });
  expectSame(text, `event: message\ndata: {"jsonrpc":"2.0","id":"mine","result":{ ${CONTENT}  }}\n\n`);
  expect(it.ends).toEqual(['delivered']);
});

test('an answer that breaks off, or turns out to be none, breaks off for the client', async () => {
  const whole = (id: number) => answerOf(id, `{${CONTENT}}`);
  const faults: Record<string, { readonly send: (incoming: Incoming) => void; readonly code: string }> = {
    'the connection is closed': {
      send: ({ id, response }) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 700_000 });
        response.write(whole(id).slice(0, 160_000), () => response.destroy());
      },
      code: 'UPSTREAM_UNAVAILABLE',
    },
    'a chunked body has no end': {
      send: ({ id, response }) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write(whole(id).slice(0, -1), () => response.destroy());
      },
      code: 'UPSTREAM_UNAVAILABLE',
    },
    'the text ends too soon': { send: (incoming) => sendJson(incoming, whole(incoming.id).slice(0, -1)), code: 'UPSTREAM_PROTOCOL' },
    'it is followed by more': { send: (incoming) => sendJson(incoming, `${whole(incoming.id)}{}`), code: 'UPSTREAM_PROTOCOL' },
    'it has no structure': { send: (incoming) => sendJson(incoming, answerOf(incoming.id, `{${CONTENT};}`)), code: 'UPSTREAM_PROTOCOL' },
    'it has an error, too': {
      send: (incoming) => sendJson(incoming, whole(incoming.id).replace(/\}$/, ',"error":{}}')),
      code: 'UPSTREAM_PROTOCOL',
    },
    'it is of another request': {
      send: (incoming) => sendJson(incoming, `{"jsonrpc":"2.0","result":{${CONTENT}},"id":${incoming.id + 1}}`),
      code: 'UPSTREAM_PROTOCOL',
    },
    'an event has no end': { send: (incoming) => sendEvents(incoming, `data: ${whole(incoming.id)}`), code: 'UPSTREAM_UNAVAILABLE' },
    'it has more bytes than are accepted': {
      send: (incoming) => sendJson(incoming, answerOf(incoming.id, `{"content":[${' '.repeat(900_000)}]}`), true),
      code: 'UPSTREAM_UNAVAILABLE',
    },
  };
  for (const [name, { send, code }] of Object.entries(faults)) {
    await using it = await bridge({ maxMessageBytes: 800_000 }, send);
    for (const accept of ['application/json', 'text/event-stream']) {
      const answer = await openCall(it.url, 'handshake', { accept });
      expect(answer.statusCode, name).toBe(200);
      expect((await receive(answer)).isWhole, name).toBe(false);
    }
    expect(it.ends, name).toEqual([code, code]);
  }
});

test('an answer of which nothing has left yet is refused in words when it breaks off', async () => {
  await using it = await bridge({}, ({ id, response }) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100_000 });
    response.write(answerOf(id, `{${CONTENT}}`).slice(0, 60_000), () => response.destroy());
  });
  const { isWhole, text } = await callTool(it.url, 'handshake');
  expect([isWhole, it.ends]).toEqual([true, ['UPSTREAM_UNAVAILABLE']]);
  expect(JSON.parse(text)).toMatchObject({
    id: 'mine',
    error: { message: expect.stringContaining('before its answer was whole') as unknown },
  });
});

test('what can be known at the beginning is still refused in words', async () => {
  const sends: ((incoming: Incoming) => void)[] = [
    (incoming) => sendJson(incoming, answerOf(incoming.id + 1, `{${CONTENT}}`)),
    (incoming) => sendJson(incoming, `{"jsonrpc":"2.0","id":${incoming.id},"error":{"code":-1,"message":${JSON.stringify(TEXT)}}}`),
    (incoming) => sendJson(incoming, answerOf(incoming.id, JSON.stringify(TEXT))),
  ];
  for (const send of sends) {
    await using it = await bridge({}, send);
    const { isWhole, text } = await callTool(it.url, 'handshake');
    expect(isWhole).toBe(true);
    expect(JSON.parse(text)).toMatchObject({ jsonrpc: '2.0', id: 'mine' });
    expect(it.ends).not.toEqual(['delivered']);
  }
});

test('a server is read no faster than its client reads, and the call is over when the client has gone', async () => {
  let written = 0;
  let isClosed = false;
  const flood = ({ id, response }: Incoming) => {
    response.on('close', () => (isClosed = true));
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
    const block = Buffer.alloc(65_536, 0x78);
    const more = () => {
      while (!response.destroyed && response.write(block)) written += block.length;
      written += block.length;
    };
    response.on('drain', more);
    more();
  };
  for (const era of ['handshake', 'modern'] as const) {
    [written, isClosed] = [0, false];
    await using it = await bridge({ maxMessageBytes: 1e12 }, flood);
    const answer = await openCall(it.url, era);
    answer.pause();
    let before = -1;
    // Buffers of sockets fill up at first.
    for (let turn = 0; turn < 100 && before !== written; turn++) {
      before = written;
      for (let wait = 0; wait < 20; wait++)
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
    }
    expect(written).toBeLessThan(64 * 1_048_576);
    const [full, { sink }] = [written, it.requests[0]!];
    expect(sink?.isFull).toBe(true);
    answer.resume();
    await until(() => written > full + 8_000_000, 'the server could write on');
    answer.destroy();
    await until(() => isClosed && it.ends.length === 1, 'the call was given up');
    expect(it.ends).toEqual(['CANCELLED']);
    expect(sink?.isFull).toBe(false);
  }
});

test('a client that reads too slowly loses its answer, and the server is not blamed', async () => {
  const clock = createTestClock();
  await using it = await bridge({ clock, maxMessageBytes: 1e12 }, ({ id, response }) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[{"type":"text","text":"`);
    for (let count = 0; count < 300; count++) response.write('x'.repeat(100_000));
  });
  const answer = await openCall(it.url, 'handshake');
  answer.pause();
  await until(() => it.requests[0]?.sink?.isFull === true, 'the client held up the answer');
  clock.advance(60_100);
  await until(() => it.ends.length === 1, 'its time was over');
  expect(it.ends).toEqual(['CANCELLED']);
  answer.resume();
  expect((await receive(answer)).isWhole).toBe(false);
});

test('calls after a flow use the same connection again', async () => {
  const ports = new Set<number | undefined>();
  await using it = await bridge({}, (incoming) => {
    ports.add(incoming.response.socket?.remotePort);
    sendJson(incoming, answerOf(incoming.id, `{${CONTENT}}`));
  });
  for (let count = 0; count < 3; count++) expect((await callTool(it.url, 'modern')).isWhole).toBe(true);
  expect(ports.size).toBe(1);
});

test('flowing or collected, a client reads the same result', async () => {
  const sizes = fc.integer({ min: 0, max: 400_000 });
  const cases = fc.record({
    size: sizes,
    server: fc.constantFrom<Era>('handshake', 'modern'),
    client: fc.constantFrom<Era>('handshake', 'modern'),
    isChunked: fc.boolean(),
    isFirst: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ size, server, client, isChunked, isFirst }) => {
      const content = `"content":[{"type":"text","text":${JSON.stringify(TEXT.repeat(2).slice(0, size))}}]`;
      const result = server === 'modern' ? `{${content},"resultType":"complete"}` : `{${content}}`;
      await using it = await bridge({ server }, (incoming) =>
        sendJson(incoming, isFirst ? `{"result":${result},"jsonrpc":"2.0","id":${incoming.id}}` : answerOf(incoming.id, result), isChunked),
      );
      const { text, isWhole } = await callTool(it.url, client);
      const read = JSON.parse(text) as { readonly result: Record<string, unknown> };
      expect(isWhole).toBe(true);
      expectSame(`"content":${JSON.stringify(read.result['content'])}`, content);
      expect(read.result['resultType']).toBe(client === 'modern' ? 'complete' : undefined);
      expect(it.ends).toEqual([size > 20_000 ? 'delivered' : it.ends[0]]);
    }),
    { numRuns: 30 },
  );
}, 30_000);
