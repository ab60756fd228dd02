import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../../e2e/support/gateway.ts';
import { rpc, type RawSession } from '../../e2e/support/raw-client.ts';
import { startRecordingServer, type RecordingServer } from '../servers/recording-server.ts';
import { adminAccess, statusOf, untilState } from '../support/observe.ts';
import { callHeaders, callText, toRequest } from './support/calls.ts';
import { askStatus, openRaw } from './support/raw-http.ts';

// H1 and H2: whoever reaches the port through a web page, or under a name that is not ours, gets nothing, on any route.

/** Paths where WebSockets are served. */
const WEB_SOCKET_PATHS: readonly string[] = ['/mcp'];
/** Paths where the streams of revision 2024-11-05 begin. */
const EVENT_PATHS: readonly string[] = ['/sse'];

let upstream: RecordingServer;
let gateway: RunningGateway;
let session: RawSession;
let token: string;
let port: string;
let requestsBefore: number;

beforeAll(async () => {
  upstream = await startRecordingServer();
  gateway = await startGateway({ config: { mcpServers: { web: { url: upstream.url, health: { intervalMs: 86_400_000 } } } } });
  await untilState(gateway, 'web', 'ready');
  session = await rpc(gateway.url).handshake();
  ({ token } = await adminAccess(gateway.dataDir));
  ({ port } = new URL(gateway.url));
  requestsBefore = upstream.seen.length;
});

afterAll(async () => {
  await session.close();
  await gateway.stop();
  await upstream[Symbol.asyncDispose]();
});

interface Route {
  readonly name: string;
  readonly line: string;
  readonly headers: () => readonly string[];
  readonly body?: string;
  readonly ok: number;
}

const inSession = () => ['Accept: text/event-stream', `Mcp-Session-Id: ${session.sessionId!}`, 'MCP-Protocol-Version: 2025-11-25'];
const asAdmin = () => [`Authorization: Bearer ${token}`];
const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
const isNotHost = (line: string) => !line.startsWith('Host:');
const modern = () => callHeaders(gateway.url).filter(isNotHost);

const ROUTES: readonly Route[] = [
  { name: 'POST of a modern call', line: 'POST /mcp HTTP/1.1', headers: modern, body: callText(1, { text: 'x' }), ok: 200 },
  {
    name: 'POST in a session',
    line: 'POST /mcp HTTP/1.1',
    headers: () => [...inSession(), 'Content-Type: application/json'],
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
    ok: 200,
  },
  { name: 'GET of a stream', line: 'GET /mcp HTTP/1.1', headers: inSession, ok: 200 },
  { name: 'GET /api/v1/status', line: 'GET /api/v1/status HTTP/1.1', headers: asAdmin, ok: 200 },
  { name: 'GET /api/v1/config', line: 'GET /api/v1/config HTTP/1.1', headers: asAdmin, ok: 200 },
  { name: 'POST of a restart', line: 'POST /api/v1/upstreams/web/restart HTTP/1.1', headers: asAdmin, body: '{}', ok: 202 },
  ...WEB_SOCKET_PATHS.map((path) => ({ name: `WebSocket ${path}`, line: `GET ${path} HTTP/1.1`, headers: () => upgrade, ok: 101 })),
  ...EVENT_PATHS.map((path) => ({
    name: `GET ${path}`,
    line: `GET ${path} HTTP/1.1`,
    headers: () => ['Accept: text/event-stream'],
    ok: 200,
  })),
  // The last one, as it ends the session when it is let through.
  { name: 'DELETE of a session', line: 'DELETE /mcp HTTP/1.1', headers: inSession, ok: 200 },
];

function write({ line, headers, body = '' }: Route, extra: readonly string[]): Buffer {
  return toRequest(line, [...extra, ...headers(), `Content-Length: ${body.length}`, 'Connection: close'], body);
}

const OWN_HOST = () => `Host: 127.0.0.1:${port}`;

const FOREIGN_HOSTS = [
  'evil.example',
  'evil.example:PORT',
  '127.0.0.1.evil.example',
  'localhost.evil.example:PORT',
  'evil-localhost',
  'localhost.',
  '0.0.0.0:PORT',
  '127.0.0.2:PORT',
  '[::]:PORT',
  '10.0.0.1',
];

const FOREIGN_ORIGINS = [
  'http://evil.example',
  'https://evil.example:PORT',
  'null',
  'http://127.0.0.1.evil.example',
  'http://127.0.0.1.evil.example:PORT',
  'http://localhost:9',
  'http://localhost',
  'http://127.0.0.1',
  'https://127.0.0.1:PORT',
  'http://localhost:PORT.evil.example',
  'http://localhost:PORT@evil.example',
  'http://evil.example#http://localhost:PORT',
  'http://localhost:PORT, http://evil.example',
  'http://0.0.0.0:PORT',
  'file://',
  'chrome-extension://abcdefghijklmnop',
  '',
];

const withPort = (text: string) => text.replaceAll('PORT', port);

// CVE-2025-49596 (Inspector), CVE-2025-66416 and GHSA-w48q-cv73-mx4w (SDKs), CVE-2025-9611, CVE-2026-59950 (WebSocket origin).
describe('H1: DNS rebinding', () => {
  for (const route of ROUTES) {
    test(`${route.name} under a foreign host name is refused`, async () => {
      for (const host of FOREIGN_HOSTS) {
        const status = await askStatus(gateway.url, write(route, [`Host: ${withPort(host)}`]));
        expect([host, status]).toEqual([host, expect.toBeOneOf([403, 421])]);
      }
    });

    test(`${route.name} from a foreign web page is refused`, async () => {
      for (const origin of FOREIGN_ORIGINS) {
        const status = await askStatus(gateway.url, write(route, [OWN_HOST(), `Origin: ${withPort(origin)}`]));
        expect([origin, status]).toEqual([origin, 403]);
      }
      const twice = [OWN_HOST(), `Origin: http://127.0.0.1:${port}`, 'Origin: http://evil.example'];
      expect(await askStatus(gateway.url, write(route, twice))).toBe(403);
    });
  }

  test('none of that has reached an upstream, opened a stream, ended the session or restarted an upstream', async () => {
    expect(upstream.seen.length).toBe(requestsBefore);
    const { sessions, upstreams } = await statusOf(gateway);
    expect([sessions, upstreams[0]!.starts]).toEqual([{ open: 1, streams: 0 }, 1]);
    expect((await session.request('ping')).result).toEqual({});
  });
});

// CVE-2026-48710: a host that is no host was used as an address by what stood behind.
describe('H2: hosts that are none', () => {
  const MALFORMED_HOSTS = ['a/../admin', '127.0.0.1/../admin', 'x@y', 'admin@127.0.0.1:PORT', '127.0.0.1:PORT/admin', '127.0.0.1:PORT?x'];
  const MORE = [
    '127.0.0.1:PORT#x',
    '127.0.0.1:abc',
    '127.0.0.1:',
    '127.0.0.1 evil',
    '127.0.0.1%2eevil',
    '[::1',
    'http://127.0.0.1',
    '\\\\x',
  ];
  const PAIRS = [
    ['127.0.0.1:PORT', '127.0.0.1:PORT'],
    ['127.0.0.1:PORT', 'evil.example'],
    ['evil.example', '127.0.0.1:PORT'],
  ];

  for (const route of ROUTES) {
    test(`${route.name} with a malformed host, or with two, is refused`, async () => {
      for (const hosts of [...[...MALFORMED_HOSTS, ...MORE].map((host) => [host]), ...PAIRS]) {
        const status = await askStatus(
          gateway.url,
          write(
            route,
            hosts.map((host) => `Host: ${withPort(host)}`),
          ),
        );
        expect([hosts, status]).toEqual([hosts, expect.toBeOneOf([400, 421])]);
      }
    });

    test(`${route.name} with a whole address for its target is not served for another host`, async () => {
      for (const address of ['http://evil.example', 'http://admin', `http://127.0.0.1:${port}@evil.example`, 'https://evil.example:443']) {
        const line = route.line.replace(' /', ` ${address}/`);
        expect([address, await askStatus(gateway.url, write({ ...route, line }, [OWN_HOST()]))]).toEqual([
          address,
          // There is nothing at such an address, or it is none.
          expect.toBeOneOf([400, 404, 421]),
        ]);
      }
    });
  }

  test('what a proxy says of the host opens nothing and changes nothing', async () => {
    const hints = ['X-Forwarded-Host: admin', 'Forwarded: host=admin;for=127.0.0.1', 'X-Original-URL: /api/v1/config'];
    const more = ['X-Rewrite-URL: /api/v1/config', 'X-Forwarded-Prefix: /api/v1', 'X-Host: admin', 'X-Forwarded-For: 127.0.0.1'];
    const bare: Route = { name: '', line: 'GET /api/v1/config HTTP/1.1', headers: () => [], ok: 401 };
    for (const hint of [...hints, ...more]) {
      expect([hint, await askStatus(gateway.url, write(bare, [OWN_HOST(), hint]))]).toEqual([hint, 401]);
      const connection = await openRaw(gateway.url);
      connection.socket.write(write(ROUTES[0]!, [OWN_HOST(), hint]));
      const { answers } = await connection.until(1);
      connection.close();
      expect(answers[0]).toMatchObject({ status: 200, message: { id: 1, result: { content: [{ text: 'x' }] } } });
      expect(JSON.stringify(answers[0])).not.toContain('admin');
    }
    expect(upstream.calls.every(({ head }) => !/admin|api\/v1/.test(head))).toBe(true);
  });
});

test.each(ROUTES.map((route) => [route.name, route] as const))('H1: %s under our own name is served', async (_, route) => {
  await untilState(gateway, 'web', 'ready');
  expect(await askStatus(gateway.url, write(route, [OWN_HOST()]))).toBe(route.ok);
  await untilState(gateway, 'web', 'ready');
  if (route.line.startsWith('DELETE')) session = await rpc(gateway.url).handshake();
  expect(await askStatus(gateway.url, write(route, [`Host: LOCALHOST:${port}`, `Origin: http://localhost:${port}`]))).toBe(route.ok);
});
