import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { silentLogger, type Clock, type Logger, type Status, type UpstreamStatus, type VirtualServerStatus } from '@signalbox/core';
import { expect, test } from 'vitest';
import type { ProblemBody } from '../contract.ts';
import { createJournalRing } from '../journal-ring.ts';
import { openState } from '../recorded-state/open-state.ts';
import { createMemoryFile } from '../testing/memory-file.ts';
import { createMemoryStore } from '../testing/memory-store.ts';
import { createAdminApi, type AdminApiOptions } from './admin-api.ts';
import { createAdminListener } from './admin-listener.ts';

const token = 'correct horse'.replace(' ', '-');
const authorization = `Bearer ${token}`;

function upstream(name: string): UpstreamStatus {
  return {
    name,
    kind: 'stdio',
    state: 'ready',
    reason: 'answers',
    since: '2026-07-28T12:00:00.000Z',
    revision: '2025-11-25',
    server: { name, version: '1' },
    tags: [],
    capabilities: ['tools'],
    pid: 42,
    tools: 3,
    resources: 0,
    prompts: 0,
    leftOut: [],
    starts: 1,
    calls: 0,
    failures: 0,
    isolated: 0,
    openedAhead: 0,
    usedAhead: 0,
    inFlight: 0,
    queued: 0,
    breaker: 'closed',
    stderr: Array.from({ length: 150 }, (_, index) => `line ${index}`),
  };
}

const initial = JSON.stringify({
  mcpServers: { github: { command: 'x', env: { TOKEN: 'very-secret', OTHER: { env: 'OTHER' } } }, off: { command: 'y', disabled: true } },
});
const work: VirtualServerStatus = {
  name: 'work',
  path: '/mcp/work',
  surface: 'all',
  upstreams: ['github'],
  tools: 3,
  resources: 0,
  prompts: 0,
};
const status: Status = {
  upstreams: () => [upstream('github'), upstream('my server')],
  virtualServers: () => [work],
  sessions: () => ({ open: 2, streams: 1 }),
};

async function createSetup(overrides: Partial<AdminApiOptions> = {}, nextText = '{}') {
  let time = 1000;
  const clock: Clock = { now: () => time, monotonic: () => time, after: () => () => undefined };
  const store = createMemoryStore();
  const file = createMemoryFile(initial);
  const state = await openState({ store, file, clock });
  file.text = nextText;
  const options: AdminApiOptions = { state, status, store, token, version: '1.2.3', clock, ...overrides };
  const api = createAdminApi(options);
  const ask = async (method: string, path: string, headers: Record<string, string> = { authorization }) => {
    const response = await api.fetch(new Request(`http://127.0.0.1/api/v1${path}`, { method, headers }));
    const text = await response.text();
    return { response, status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as unknown };
  };
  return { options, state, ask, advance: (ms: number) => (time += ms) };
}

test('the status tells version, process, uptime, address, sessions and upstreams', async () => {
  const { ask, advance } = await createSetup({ address: () => 'http://127.0.0.1:7420/mcp' });
  advance(61_500);
  expect((await ask('GET', '/status')).body).toEqual({
    version: '1.2.3',
    pid: process.pid,
    uptimeSeconds: 61,
    address: 'http://127.0.0.1:7420/mcp',
    stateVersion: 1,
    sessions: { open: 2, streams: 1 },
    upstreams: JSON.parse(JSON.stringify(status.upstreams())) as unknown,
    virtualServers: [work],
  });
});

test('one upstream is shown by its name, spaces included, and an unknown one names the nearest', async () => {
  const { ask } = await createSetup();
  expect((await ask('GET', '/upstreams/my%20server')).body).toMatchObject({ name: 'my server', state: 'ready' });
  const { response, body } = await ask('GET', '/upstreams/githib');
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(body).toEqual({
    type: 'about:blank',
    title: 'Not Found',
    status: 404,
    detail: 'There is no upstream "githib"; did you mean "github"?',
    code: 'UNKNOWN_NAME',
  });
});

test('the logs of an upstream are its last lines', async () => {
  const { ask } = await createSetup();
  expect((await ask('GET', '/upstreams/github/logs?lines=2')).body).toEqual({ name: 'github', lines: ['line 148', 'line 149'] });
  expect((await ask('GET', '/upstreams/github/logs')).body).toMatchObject({ lines: { length: 100 } });
  for (const lines of ['0', '-1', '1.5', 'all', '10001', '']) {
    expect((await ask('GET', `/upstreams/github/logs?lines=${lines}`)).body).toMatchObject({ status: 400, code: 'INVALID_PARAMS' });
  }
});

test('a restart raises the generation in the wanted state', async () => {
  const { ask, state } = await createSetup();
  const { status: code, body } = await ask('POST', '/upstreams/github/restart');
  expect([code, body]).toEqual([202, { name: 'github', generation: 1 }]);
  expect(state.current.upstreams.get('github')?.generation).toBe(1);
  expect((await ask('POST', '/upstreams/nothing-like-it/restart')).status).toBe(404);
  expect((await ask('POST', '/upstreams/off/restart')).body).toMatchObject({ status: 409, code: 'CONFLICT' });
});

test('a change that names the version it was decided at happens there or not at all', async () => {
  const { ask, state } = await createSetup({}, '{ "mcpServers": { "github": { "command": "x" } } }');
  const at = (tag: string) => ({ authorization, 'if-match': tag });
  const seen = (await ask('GET', '/config')).response.headers.get('etag')!;
  expect(seen).toBe('"1"');
  const first = await ask('POST', '/upstreams/github/restart', at(seen));
  expect([first.status, first.response.headers.get('etag')]).toEqual([202, '"2"']);
  for (const path of ['/upstreams/github/restart', '/reload']) {
    expect((await ask('POST', path, at(seen))).body).toMatchObject({ status: 412, code: 'STALE' });
    expect((await ask('POST', path, at('W/"2"'))).body).toMatchObject({ status: 400, code: 'INVALID_PARAMS' });
  }
  expect(state.current.version).toBe(2);
  expect((await ask('POST', '/reload', at('"2"'))).response.headers.get('etag')).toBe('"3"');
  expect((await ask('POST', '/upstreams/github/restart', at('*'))).status).toBe(202);
  expect((await ask('GET', '/status')).response.headers.get('etag')).toBe('"4"');
});

test('a reload answers what changed', async () => {
  const { ask, state } = await createSetup({}, '{ "mcpServers": { "github": { "command": "x", "env": { "TOKEN": "other-secret" } } } }');
  const { status: code, response, body } = await ask('POST', '/reload');
  expect([code, response.headers.get('content-type')]).toEqual([200, 'application/json']);
  expect(body).toMatchObject({ diff: { removed: ['off'], changed: ['github'] } });
  expect(body).toMatchObject({
    lines: expect.arrayContaining(['- mcpServers.off', '~ mcpServers.github.env.TOKEN: "***" → "***"']) as unknown,
  });
  expect(JSON.stringify(body)).not.toContain('secret');
  expect(state.current.version).toBe(2);
});

test('a reload of an invalid file answers its problems with their lines and changes nothing', async () => {
  const { ask, state } = await createSetup({}, '{\n  "lisen": {},\n  "log": { "keep": 0 }\n}');
  const { status: code, body } = await ask('POST', '/reload');
  expect(code).toBe(400);
  const problem = body as ProblemBody;
  expect(problem.code).toBe('INVALID_CONFIG');
  expect(problem.problems?.map(({ path, line }) => [path, line])).toEqual([
    ['log.keep', 3],
    ['lisen', 2],
  ]);
  expect(state.current.version).toBe(1);
});

test('the configuration is shown without its secrets', async () => {
  const { ask } = await createSetup();
  const { body } = await ask('GET', '/config');
  expect(body).toMatchObject({ version: 1, config: { mcpServers: { github: { env: { TOKEN: '***', OTHER: { env: 'OTHER' } } } } } });
  expect(JSON.stringify(body)).not.toContain('very-secret');
});

test('the newest calls are shown, and none without a journal', async () => {
  const journal = createJournalRing();
  for (const callId of ['1', '2', '3']) {
    journal.write({
      callId,
      method: 'tools/call',
      name: 'echo',
      server: undefined,
      principal: 'local',
      upstream: 'github',
      upstreamName: 'echo',
      client: undefined,
      revision: '2026-07-28',
      startedAtMs: 0,
      durationMs: 1,
      queuedMs: 0,
      upstreamMs: 1,
      sentAfterMs: 0,
      paramsBytes: undefined,
      resultBytes: undefined,
      status: 'ok',
      error: undefined,
      attempts: 1,
      cached: false,
      cacheTier: undefined,
      trace: undefined,
    });
  }
  expect((await (await createSetup({ journal })).ask('GET', '/calls?limit=2')).body).toMatchObject({
    calls: [{ callId: '3' }, { callId: '2' }],
  });
  expect((await (await createSetup()).ask('GET', '/calls')).body).toEqual({ calls: [] });
});

test('upstreams are selected by kind, tag and capability', async () => {
  const { ask } = await createSetup();
  const select = async (query: string) =>
    ((await ask('GET', `/upstreams?${query}`)).body as { upstreams: { name: string }[] }).upstreams.map(({ name }) => name);
  expect(await select('kind=stdio&capability=tools')).toEqual(['github', 'my server']);
  expect(await select('tag=none')).toEqual([]);
});

const routes = [
  ['GET', '/status'],
  ['GET', '/upstreams'],
  ['GET', '/upstreams/github'],
  ['GET', '/upstreams/github/logs'],
  ['POST', '/upstreams/github/restart'],
  ['POST', '/reload'],
  ['GET', '/config'],
  ['GET', '/calls'],
  ['GET', '/nowhere'],
  ['GET', '/../../etc'],
] as const;

test.each(routes)('%s %s needs the token', async (method, path) => {
  const { ask, state } = await createSetup();
  const wrong = ['', 'Bearer', 'Bearer ', 'Bearer wrong', `Bearer ${token}x`, `Basic ${token}`, token, `Bearer ${token} x`];
  for (const headers of [{}, ...wrong.map((value) => ({ authorization: value }))]) {
    const { response, body } = await ask(method, path, headers);
    expect(body).toMatchObject({ status: 401, code: 'UNAUTHENTICATED', type: 'about:blank' });
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="signalbox"');
    expect(response.headers.get('cache-control')).toBe('no-store');
  }
  expect(state.current.version).toBe(1);
});

test('an unknown route is not found, and a known one with another method says which is allowed', async () => {
  const { ask } = await createSetup();
  expect((await ask('GET', '/nowhere')).body).toMatchObject({
    status: 404,
    code: 'NOT_FOUND',
    detail: 'There is nothing at "/api/v1/nowhere"',
  });
  expect((await ask('DELETE', '/status')).body).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
  expect((await ask('GET', '/reload')).body).toMatchObject({ status: 405 });
});

test('every answer is kept from caches and from guessing its type', async () => {
  const { ask } = await createSetup();
  for (const [method, path] of routes) {
    const { headers } = (await ask(method, path)).response;
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
  }
});

test('a failure of our own is logged and says nothing of the inside', async () => {
  const errors: string[] = [];
  const logger: Logger = { ...silentLogger, error: (message) => errors.push(message) };
  const broken: Status = {
    ...status,
    sessions: () => {
      throw new Error('inner detail');
    },
  };
  const { body } = await (await createSetup({ status: broken, logger })).ask('GET', '/status');
  expect(body).toMatchObject({ status: 500, code: 'INTERNAL', detail: 'The gateway failed; its log has the reason' });
  expect(errors).toEqual(['Cannot answer a request to the admin API: inner detail']);
});

test('over a real socket it answers the same, and leaves the global Request alone', async () => {
  const { Request: before } = globalThis;
  const { options } = await createSetup();
  const server = createServer((await createAdminListener(options)).answer);
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const root = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
    const good = await fetch(`${root}/status`, { headers: { authorization } });
    expect([good.status, good.headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(await good.json()).toMatchObject({ version: '1.2.3', address: null });
    const refused = await fetch(`${root}/status`);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([401, 'application/problem+json']);
    const reloaded = await fetch(`${root}/reload`, { method: 'POST', headers: { authorization }, body: 'ignored' });
    expect(await reloaded.json()).toMatchObject({ diff: { removed: ['github', 'off'] } });
    expect(globalThis.Request).toBe(before);
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
});
