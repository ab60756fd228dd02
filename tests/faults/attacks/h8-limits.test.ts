import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { residentBytes } from '../../e2e/support/process-tree.ts';
import { startRecordingServer, type RecordingServer } from '../servers/recording-server.ts';
import { untilState } from '../support/observe.ts';
import { callHeaders, callText, toRequest } from './support/calls.ts';
import { openRaw, type RawAnswer, type RawConnection } from './support/raw-http.ts';

// H8 and H9: nothing is done on the strength of a part, and no request costs more than it may.

const MIB = 1024 * 1024;
const MAX_BODY = 4 * MIB;
/** How long a request may take to arrive, and how often connections are looked at. */
const HEAD_MS = 10_000;
const REQUEST_MS = 30_000;
const LOOK_MS = 6_000;

let upstream: RecordingServer;
let gateway: RunningGateway;
let silent: Readonly<Record<'head' | 'body' | 'chunk', { readonly connection: RawConnection; readonly closedMs: Promise<number> }>>;

beforeAll(async () => {
  upstream = await startRecordingServer();
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } } } });
  await untilState(gateway, 'web', 'ready');
  // Their time runs while the other tests do.
  silent = {
    head: await fallSilent(good().subarray(0, 100)),
    body: await fallSilent(good().subarray(0, -10)),
    chunk: await fallSilent(inChunks(callText('cut', { text: 'cut' })).subarray(0, -10)),
  };
});

afterAll(async () => {
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

function withLength(body: string, extra: readonly string[] = []): Buffer {
  return toRequest('POST /mcp HTTP/1.1', [...callHeaders(gateway.url), ...extra, `Content-Length: ${body.length}`], body);
}

function inChunks(body: string, extra: readonly string[] = []): Buffer {
  const text = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  return toRequest('POST /mcp HTTP/1.1', [...callHeaders(gateway.url), ...extra, 'Transfer-Encoding: chunked'], text);
}

function good(): Buffer {
  return withLength(callText('cut', { text: 'cut' }));
}

async function fallSilent(bytes: Buffer): Promise<(typeof silent)['head']> {
  const connection = await openRaw(gateway.url);
  const startedAt = performance.now();
  connection.socket.write(bytes);
  const closedMs = connection.closedWithin(REQUEST_MS + LOOK_MS).then((isClosed) => (isClosed ? performance.now() - startedAt : Infinity));
  return { connection, closedMs };
}

async function ask(bytes: Buffer): Promise<RawAnswer | undefined> {
  const connection = await openRaw(gateway.url);
  connection.socket.write(bytes);
  const { answers } = await connection.until(1);
  connection.close();
  return answers[0];
}

function callsOf(text: string): number {
  return upstream.calls.filter((call) => call.arguments['text'] === text).length;
}

describe('H8: a call that is cut off', () => {
  test('whole, it is run', async () => {
    for (const bytes of [good(), inChunks(callText('cut', { text: 'cut' }))]) expect((await ask(bytes))?.status).toBe(200);
    expect(callsOf('cut')).toBe(2);
  });

  test.each([
    ['ends its side', ({ socket }: RawConnection): void => void socket.end()],
    ['breaks the connection', ({ socket }: RawConnection): void => void socket.resetAndDestroy()],
  ] as const)('at any byte, by a client that %s, is not run, and the connection is closed at once', async (_, leave) => {
    const callsBefore = upstream.calls.length;
    for (const bytes of [good(), inChunks(callText('cut', { text: 'cut' }))]) {
      const isClosed: boolean[] = [];
      for (let from = 0; from < bytes.length; from += 100) {
        const cuts = Array.from({ length: Math.min(100, bytes.length - from) }, (__, index) => from + index);
        const closings = cuts.map(async (cut) => {
          const connection = await openRaw(gateway.url);
          connection.socket.write(bytes.subarray(0, cut), () => leave(connection));
          isClosed.push(await connection.closedWithin(5_000));
          for (const { status } of connection.read().answers) expect(status).toBe(400);
        });
        await Promise.all(closings);
      }
      expect(isClosed.filter((yes) => yes).length).toBe(bytes.length);
    }
    expect((await ask(withLength(callText('last', { text: 'last' }))))?.status).toBe(200);
    expect(upstream.calls.length).toBe(callsBefore + 1);
  });
});

describe('H9: limits', () => {
  const call = callText(1, { text: 'x' });
  const padded = (length: number) => call.padEnd(length, ' ');
  const fields = (count: number) => Array.from({ length: count }, () => 'a:b');

  test.each<[string, () => Buffer, number]>([
    ['headers of 15 kB', () => withLength(call, [`X-A: ${'a'.repeat(15_000)}`]), 200],
    ['headers of more than 16 kB', () => withLength(call, [`X-A: ${'a'.repeat(16 * 1024 + 1)}`]), 431],
    ['a name of more than 16 kB', () => withLength(call, [`${'a'.repeat(16 * 1024 + 1)}: a`]), 431],
    ['a target of more than 16 kB', () => toRequest(`POST /mcp?${'a'.repeat(16 * 1024 + 1)} HTTP/1.1`, callHeaders(gateway.url), ''), 431],
    ['150 headers', () => withLength(call, fields(150)), 200],
    ['201 headers', () => withLength(call, fields(201)), 431],
    ['2,001 headers', () => withLength(call, fields(2_001)), 431],
    ['a body of the limit', () => withLength(padded(MAX_BODY)), 200],
    ['a body of the limit and one more', () => withLength(padded(MAX_BODY + 1)), 413],
    ['a body of the limit in chunks', () => inChunks(padded(MAX_BODY)), 200],
    ['a body of the limit and one more in chunks', () => inChunks(padded(MAX_BODY + 1)), 413],
    [
      'a promise of a terabyte',
      () => toRequest('POST /mcp HTTP/1.1', [...callHeaders(gateway.url), `Content-Length: ${2 ** 40}`], call),
      413,
    ],
  ])('%s', async (_, write, status) => {
    const answer = await ask(write());
    expect(answer?.status).toBe(status);
    expect(answer?.message?.result !== undefined).toBe(status === 200);
  });

  const bomb = gzipSync(Buffer.alloc(100 * MIB, ' ')).toString('latin1');
  const packed = gzipSync(call).toString('latin1');
  test.each([
    ['a bomb', 'gzip', bomb],
    ['a bomb in a bomb', 'gzip, gzip', gzipSync(Buffer.from(bomb, 'latin1')).toString('latin1')],
    ['a good call, packed', 'gzip', packed],
    ['an old name', 'x-gzip', packed],
    ['large letters', 'GZIP', packed],
    ['another packing', 'deflate', packed],
    ['another packing', 'br', packed],
    ['another packing', 'zstd', packed],
    ['no packing and one', 'identity, gzip', packed],
    ['a packing nobody knows', 'cow', call],
  ])('%s (%s) is refused unread', async (_, encoding, body) => {
    expect((await ask(withLength(body, [`Content-Encoding: ${encoding}`])))?.status).toBe(415);
    const [first, second] = encoding.split(', ');
    const lines = second === undefined ? [] : [`Content-Encoding: ${first}`, `Content-Encoding: ${second}`];
    expect((await ask(withLength(body, lines.length > 0 ? lines : [`Content-Encoding: ${encoding}`])))?.status).toBe(415);
  });

  test('what says that it is not packed is read', async () => {
    expect((await ask(withLength(call, ['Content-Encoding: identity'])))?.status).toBe(200);
  });

  test('twenty of the largest refused bodies cost less memory than ten times the limit', async () => {
    const large = [inChunks(padded(MAX_BODY + 1)), withLength(padded(MAX_BODY + 1)), withLength(bomb, ['Content-Encoding: gzip'])];
    for (const bytes of large) await ask(bytes);
    const before = residentBytes(gateway.pid);
    let most = before;
    for (let round = 0; round < 20; round++) {
      for (const bytes of large) {
        expect((await ask(bytes))?.status).toBeOneOf([413, 415]);
        most = Math.max(most, residentBytes(gateway.pid));
      }
    }
    expect(most - before).toBeLessThan(10 * MAX_BODY);
  });
});

test('H8: a call whose rest never comes is closed in time and was not run', async () => {
  expect(await silent.head.closedMs).toBeLessThan(HEAD_MS + LOOK_MS);
  expect(await silent.body.closedMs).toBeLessThan(REQUEST_MS + LOOK_MS);
  expect(await silent.chunk.closedMs).toBeLessThan(REQUEST_MS + LOOK_MS);
  for (const { connection } of Object.values(silent)) for (const { status } of connection.read().answers) expect(status).toBe(408);
  // Only the two that were whole.
  expect(callsOf('cut')).toBe(2);
});
