import { Cancellation, type Notification, type Outcome } from '@signalbox/core';
import { describe, expect, test } from 'vitest';
import { toParams } from '../messages/encode.ts';
import { until } from '../testing/http.ts';
import { answer, confirmAndAnswer, startSseServer, type Post } from '../testing/sse-server.ts';
import { createTestClock } from '../testing/test-clock.ts';
import type { HttpConnectOptions } from './http-connection.ts';
import { openHttpOrLegacySse, openLegacySse } from './open-legacy-sse.ts';
import type { OutgoingRequest } from './peer.ts';

const failureOf = (work: Promise<unknown>) => work.catch((thrown: unknown) => thrown);

const BASE = {
  upstream: 'old',
  client: { name: 'gateway', version: '1' },
  revision: 'auto',
  handshakeMs: 15_000,
  maxMessageBytes: 100_000,
  onNotification: () => undefined,
  headers: {},
  connectMs: 10_000,
} satisfies Partial<HttpConnectOptions>;

function call(name: string, more: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const client = { revision: '2025-11-25', info: undefined, capabilities: {}, logLevel: 'off' } as const;
  const params = toParams({ name, arguments: {} });
  return {
    method: 'tools/call',
    params,
    client,
    cancellation: new Cancellation(),
    timeoutMs: 15_000,
    emit: undefined,
    wantsProgress: false,
    principal: 'local',
    ...more,
  };
}

const named = (post: Post) => (post.message['params'] as { name?: string } | undefined)?.name;

/** Does as asked for the calls that are named, and as it should for everything else. */
const only = (name: string, act: (post: Post) => void) => (post: Post, server: Parameters<typeof confirmAndAnswer>[1]) =>
  named(post) === name ? act(post) : confirmAndAnswer(post, server);

function echoed(outcome: Outcome): unknown {
  return outcome.kind === 'result' ? outcome.result.object?.['echo'] : outcome;
}

describe('opening', () => {
  test('goes by the address the stream names, with the configured headers on both legs', async () => {
    await using server = await startSseServer();
    const headers = { Authorization: 'Bearer secret', Accept: 'text/html', 'Mcp-Session-Id': 'x' };
    const connection = await openLegacySse({ ...BASE, url: server.url, headers });
    expect(connection.revision).toBe('2024-11-05');
    expect(connection.server.info.name).toBe('old');
    expect(echoed(await connection.request(call('a')))).toEqual({ name: 'a', arguments: {} });
    expect(server.gets[0]).toMatchObject({ authorization: 'Bearer secret', accept: 'text/event-stream' });
    expect(server.posts.map(({ message }) => message['method'])).toEqual(['initialize', 'notifications/initialized', 'tools/call']);
    for (const post of server.posts) {
      expect(post.url).toBe('/post?sessionId=1');
      expect(post.headers).toMatchObject({ authorization: 'Bearer secret', 'content-type': 'application/json' });
      expect(post.headers).not.toHaveProperty('mcp-session-id');
    }
    await connection.close();
    expect(await connection.closed).toBe('closed by the gateway');
    await until(() => server.streams[0]!.destroyed, 'the stream is closed');
  });

  test('H14: an address for messages of another origin is refused, and nothing is sent there', async () => {
    await using elsewhere = await startSseServer();
    for (const address of [
      `${elsewhere.origin}/post`,
      'https://evil.example/post',
      '//evil.example/post',
      '\\\\evil.example\\post',
      'javascript:alert(1)',
      'data:,x',
      (origin: string) => origin.replace('http:', 'https:'),
      (origin: string) => origin.replace('127.0.0.1', 'localhost'),
      (origin: string) => origin.replace('http://', 'http://user:pass@'),
      'http://[',
      `/${'x'.repeat(10_000)}`,
    ]) {
      await using server = await startSseServer({
        begin: (origin) => `event: endpoint\ndata: ${typeof address === 'string' ? address : address(origin)}\n\n`,
      });
      const opening = openLegacySse({ ...BASE, url: server.url, headers: { Authorization: 'Bearer secret' } });
      await expect(opening).rejects.toMatchObject({
        code: 'UPSTREAM_PROTOCOL',
        message: expect.stringContaining('wants messages to go to'),
      });
      expect(server.posts).toEqual([]);
      await until(() => server.streams[0]!.destroyed, 'the stream is closed');
    }
    expect(elsewhere.posts).toEqual([]);
  });

  test('H14: an address that is named later is not followed', async () => {
    const anomalies: string[] = [];
    await using server = await startSseServer();
    const connection = await openLegacySse({ ...BASE, url: server.url, onAnomaly: (text) => anomalies.push(text) });
    server.streams[0]!.write('event: endpoint\ndata: https://evil.example/post\n\nevent: endpoint\ndata: /other\n\n');
    await until(() => anomalies.length === 2, 'both are told');
    await connection.request(call('a'));
    expect(new Set(server.posts.map(({ url }) => url))).toEqual(new Set(['/post?sessionId=1']));
    await connection.close();
  });

  test('an address may be relative, whole, or split over lines of any kind', async () => {
    for (const begin of [
      'event: endpoint\r\ndata: post?sessionId=1\r\n\r\n',
      ': hello\n\nevent:endpoint\rdata:../post?sessionId=1\r\r',
      (origin: string) => `id: 1\nevent: endpoint\ndata: ${origin}/post?sessionId=1#part\n\n`,
    ]) {
      await using server = await startSseServer({ begin });
      const connection = await openLegacySse({ ...BASE, url: server.url });
      expect(server.posts[0]!.url).toBe('/post?sessionId=1');
      await connection.close();
    }
  });

  test('what the server says before we have asked anything is not lost', async () => {
    const notifications: Notification[] = [];
    const early = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';
    await using server = await startSseServer({ begin: `event: endpoint\ndata: /post\n\nevent: message\ndata: ${early}\n\n` });
    const connection = await openLegacySse({
      ...BASE,
      url: server.url,
      onNotification: (notification) => notifications.push(notification),
    });
    expect(notifications.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']);
    await connection.close();
  });

  test('says why there is no stream, and shows no header', async () => {
    for (const [status, code, reason] of [
      [401, 'UPSTREAM_UNAVAILABLE', /wants credentials/],
      [404, 'UPSTREAM_UNAVAILABLE', /no MCP server at this address/],
      [500, 'UPSTREAM_UNAVAILABLE', /failed \(HTTP 500\)/],
      [200, 'UPSTREAM_PROTOCOL', /instead of JSON or an event stream/],
    ] as const) {
      await using server = await startSseServer({
        onGet: (response) => {
          response.writeHead(status, { 'Content-Type': 'text/html' }).end('<html>');
          return true;
        },
      });
      const opening = openLegacySse({ ...BASE, url: server.url, headers: { Authorization: 'Bearer secret' } });
      const error: unknown = await opening.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code, message: expect.stringMatching(reason) });
      expect(JSON.stringify(error)).not.toContain('secret');
    }
    await using silent = await startSseServer({ begin: ': nothing\n\n' });
    const clock = createTestClock();
    const late = failureOf(openLegacySse({ ...BASE, url: silent.url, connectMs: 100, clock }));
    await until(() => silent.streams.length === 1, 'the stream is asked for');
    clock.advance(100);
    expect(await late).toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringContaining('named no address for messages in 100 ms'),
      data: { phase: 'connect', sent: false },
    });
    await until(() => silent.streams[0]!.destroyed, 'the stream is closed');
    await silent.stop();
    await expect(openLegacySse({ ...BASE, url: silent.url })).rejects.toMatchObject({
      message: expect.stringContaining('nothing listens there'),
    });
  });

  test('that cannot be confirmed fails with the reason of the POST', async () => {
    await using server = await startSseServer({ onPost: ({ response }) => response.writeHead(500).end() });
    await expect(openLegacySse({ ...BASE, url: server.url })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
      message: expect.stringMatching(/failed \(HTTP 500\) while "initialize" waited for its answer/),
      data: { phase: 'handshake' },
    });
  });
});

describe('an open conversation', () => {
  test('sends no request before the server has taken the end of the handshake', async () => {
    let confirm = (): void => undefined;
    await using server = await startSseServer({
      onPost: (post, server) => {
        if (post.message['method'] !== 'notifications/initialized') return confirmAndAnswer(post, server);
        confirm = () => post.response.writeHead(202).end();
        return undefined;
      },
    });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    const calls = [connection.request(call('a')), connection.request(call('b'))];
    await until(() => server.posts.length === 2, 'the handshake ends');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    expect(server.posts.map(({ message }) => message['method'])).toEqual(['initialize', 'notifications/initialized']);
    confirm();
    await Promise.all(calls);
    expect(server.posts.slice(2).map(named).toSorted()).toEqual(['a', 'b']);
    await connection.close();
  });

  test('a POST that fails takes its request with it and nothing else, and tells whether it may have run', async () => {
    const answers: Record<string, (post: Post) => void> = {
      refused: ({ response }) => response.writeHead(413).end(),
      broken: ({ response }) => response.destroy(),
    };
    await using server = await startSseServer({
      onPost: (post, server) => (answers[named(post) ?? ''] ?? ((given) => confirmAndAnswer(given, server)))(post),
    });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    const [refused, broken, fine] = await Promise.allSettled(['refused', 'broken', 'fine'].map((name) => connection.request(call(name))));
    expect(refused).toMatchObject({ reason: { code: 'UPSTREAM_UNAVAILABLE', data: { sent: true, status: 413 } } });
    expect(broken).toMatchObject({ reason: { code: 'UPSTREAM_UNAVAILABLE', data: { sent: true } } });
    expect(fine!.status).toBe('fulfilled');
    await connection.ping(10_000);
    await connection.close();
  });

  test('a server cannot pass off an answer as a failed POST', async () => {
    await using server = await startSseServer({
      onPost: (post, server) => {
        if (named(post) !== 'forged') return confirmAndAnswer(post, server);
        post.response.writeHead(202).end();
        return server.say({
          jsonrpc: '2.0',
          id: post.message['id'],
          error: { code: -32000, message: 'x', data: { mark: 'guess', sent: false } },
        });
      },
    });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    expect(await connection.request(call('forged'))).toMatchObject({ kind: 'error', error: { code: -32000 } });
    await connection.close();
  });

  test('a ping that is not delivered is no sign of life', async () => {
    await using server = await startSseServer({
      onPost: (post, server) => (post.message['method'] === 'ping' ? post.response.writeHead(503).end() : confirmAndAnswer(post, server)),
    });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    await expect(connection.ping(10_000)).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { status: 503 } });
    await connection.close();
  });

  test('a server that no longer knows the session has run nothing; the conversation is over', async () => {
    await using server = await startSseServer({ onPost: only('late', ({ response }) => response.writeHead(404).end()) });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    await expect(connection.request(call('late'))).rejects.toMatchObject({ data: { sent: false, status: 404 } });
    expect(await connection.closed).toBe('it no longer knows this session (HTTP 404)');
    await expect(connection.request(call('after'))).rejects.toMatchObject({ data: { sent: false } });
  });

  test('ends with its stream: what was posted may have run, what was not has not', async () => {
    const clock = createTestClock();
    await using server = await startSseServer({
      onPost: (post, server) => (named(post) === undefined ? confirmAndAnswer(post, server) : undefined),
    });
    const connection = await openLegacySse({ ...BASE, url: server.url, clock });
    // The client has 256 connections, one of which is idle again; the server confirms nothing.
    const calls = Array.from({ length: 300 }, (_, index) =>
      connection.request(call(String(index))).catch((error: { data: object }) => error.data),
    );
    await until(() => server.posts.length === 2 + 256, 'all connections are busy');
    server.streams[0]!.end();
    const ends = (await Promise.all(calls)) as { sent: boolean; reason: string }[];
    expect(ends.map(({ sent }) => sent)).toEqual(Array.from({ length: 300 }, (_, index) => index < 256));
    expect(ends[0]!.reason).toBe('it ended its stream');
    expect(await connection.closed).toBe('it ended its stream');
    expect(server.posts).toHaveLength(258);
  });

  test('a killed server ends it', async () => {
    const server = await startSseServer({ onPost: only('slow', ({ response }) => response.writeHead(202).end()) });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    const slow = failureOf(connection.request(call('slow')));
    await until(() => server.posts.some((post) => named(post) === 'slow'), 'the call arrives');
    await server.stop();
    expect(await slow).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', data: { sent: true } });
    expect(await connection.closed).toMatch(/closed by the other side|ECONNRESET/);
  });

  test('a call that is given up is cancelled where it was sent, and never sent where it was not', async () => {
    await using server = await startSseServer({
      onPost: (post, server) => (named(post) === 'hangs' ? undefined : confirmAndAnswer(post, server)),
    });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    const cancellation = new Cancellation();
    const calls = Array.from({ length: 256 }, () => connection.request(call('hangs', { cancellation })));
    const failures = Promise.allSettled(calls);
    await until(() => server.posts.filter((post) => named(post) === 'hangs').length === 256, 'all connections are busy');
    const waiting = new Cancellation();
    const unsent = connection.request(call('never', { cancellation: waiting }));
    waiting.cancel('enough');
    await expect(unsent).rejects.toMatchObject({ code: 'CANCELLED' });
    cancellation.cancel('enough');
    for (const end of await failures) expect(end).toMatchObject({ reason: { code: 'CANCELLED' } });
    await until(
      () => server.posts.filter(({ message }) => message['method'] === 'notifications/cancelled').length === 256,
      'the server is told',
    );
    expect(server.posts.some((post) => named(post) === 'never')).toBe(false);
    // The connections of calls that are given up are free again.
    expect(echoed(await connection.request(call('after')))).toMatchObject({ name: 'after' });
    await connection.close();
  });

  test('a server that confirms only when it has answered holds up nobody', async () => {
    let release = (): void => undefined;
    await using server = await startSseServer({
      onPost: (post, server) => {
        if (named(post) !== 'slow') return confirmAndAnswer(post, server);
        release = () => {
          answer(post.message, server);
          post.response.writeHead(202).end();
        };
        return undefined;
      },
    });
    const connection = await openLegacySse({ ...BASE, url: server.url });
    const slow = connection.request(call('slow'));
    await connection.request(call('quick'));
    release();
    expect(echoed(await slow)).toMatchObject({ name: 'slow' });
    await connection.close();
  });
});

describe('an address of which the transport is not known', () => {
  test('is asked for Streamable HTTP, and for HTTP+SSE when that is refused', async () => {
    for (const status of [400, 404, 405]) {
      await using server = await startSseServer({
        onPost: (post, server) => (post.url === '/sse' ? post.response.writeHead(status).end() : confirmAndAnswer(post, server)),
      });
      const connection = await openHttpOrLegacySse({ ...BASE, url: server.url });
      expect(connection.revision).toBe('2024-11-05');
      expect(echoed(await connection.request(call('a')))).toMatchObject({ name: 'a' });
      await connection.close();
    }
  });

  test('is not, when it failed in another way or only the modern generation is wanted', async () => {
    for (const [status, revision] of [
      [401, 'auto'],
      [500, 'auto'],
      [404, 'modern'],
    ] as const) {
      await using server = await startSseServer({ onPost: ({ response }) => response.writeHead(status).end() });
      await expect(openHttpOrLegacySse({ ...BASE, url: server.url, revision })).rejects.toMatchObject({
        code: expect.stringMatching(/^UPSTREAM/),
      });
      expect(server.gets).toEqual([]);
    }
  });

  test('that is neither is told as what it was asked for first; a hostile stream as what it is', async () => {
    await using nothing = await startSseServer({
      onPost: ({ response }) => response.writeHead(405).end(),
      onGet: (response) => {
        response.writeHead(405).end();
        return true;
      },
    });
    await expect(openHttpOrLegacySse({ ...BASE, url: nothing.url })).rejects.toMatchObject({
      message: expect.stringContaining('no MCP server at this address (HTTP 405)'),
    });
    await using hostile = await startSseServer({
      begin: 'event: endpoint\ndata: https://evil.example/\n\n',
      onPost: ({ response }) => response.writeHead(405).end(),
    });
    await expect(openHttpOrLegacySse({ ...BASE, url: hostile.url })).rejects.toMatchObject({
      message: expect.stringContaining('evil.example'),
    });
  });
});
