import { expect, test } from 'vitest';
import { createAdminSetup } from '../testing/admin-setup.ts';
import { createBreakingStore } from '../testing/breaking-store.ts';
import { createMemoryStore } from '../testing/memory-store.ts';

const add = (name: string) => ({
  operations: [{ op: 'set', path: `mcpServers.${name}`, value: { command: 'x', env: { KEY: 'very-secret' } } }],
});

test('a change is made, told, and found in the history and the audit', async () => {
  const { ask, changes } = await createAdminSetup();
  const { status, response, body } = await ask('POST', '/changes', {
    token: 'token-of-operator',
    body: { ...add('b'), reason: 'for the team' },
  });
  expect([status, response.headers.get('etag')]).toEqual([200, '"2"']);
  expect(body).toMatchObject({ version: 2, dryRun: false, diff: { added: ['b'] }, lines: ['+ mcpServers.b'], problems: [] });
  const [newest] = ((await ask('GET', '/versions')).body as { versions: object[] }).versions;
  expect(newest).toMatchObject({
    version: 2,
    by: 'otto',
    action: 'config.change',
    reason: 'for the team',
    paths: ['mcpServers.b'],
    isFileChanged: false,
  });
  const detail = await ask('GET', '/versions/2');
  expect(detail.body).toMatchObject({ lines: ['+ mcpServers.b'], config: { mcpServers: { b: { env: { KEY: '***' } } } } });
  expect(JSON.stringify(detail.body)).not.toContain('very-secret');
  expect((await ask('GET', '/versions/1/diff/2')).body).toMatchObject({ from: 1, to: 2, lines: ['+ mcpServers.b'] });
  expect(changes).toMatchObject([{ by: 'otto', action: 'config.change', stateVersion: 2, lines: ['+ mcpServers.b'] }]);
  expect((await ask('POST', '/versions/1/rollback')).body).toMatchObject({ version: 3, diff: { removed: ['b'] } });
});

test('a dry run answers what is wrong with its place, and the real one is refused with the same', async () => {
  const { ask, state } = await createAdminSetup();
  const body = { operations: [{ op: 'set', path: 'mcpServers.b', value: { comand: 'x' } }] };
  const path = 'mcpServers.b.comand';
  expect((await ask('POST', '/changes', { body: { ...body, dryRun: true } })).body).toMatchObject({
    dryRun: true,
    problems: expect.arrayContaining([expect.objectContaining({ path })]) as object,
  });
  expect((await ask('POST', '/changes', { body })).body).toMatchObject({
    status: 400,
    code: 'INVALID_CONFIG',
    problems: expect.arrayContaining([expect.objectContaining({ path })]) as object,
  });
  expect(state.current.version).toBe(1);
});

test('what the file owns is refused with its place, and a change at another version too', async () => {
  const { ask } = await createAdminSetup();
  const body = { operations: [{ op: 'set', path: 'mcpServers.github.disabled', value: true }] };
  expect((await ask('POST', '/changes', { body })).body).toMatchObject({
    status: 409,
    detail: expect.stringContaining('"target": "file"') as string,
  });
  expect((await ask('POST', '/changes', { body: add('b'), headers: { 'if-match': '"7"' } })).body).toMatchObject({
    status: 412,
    code: 'STALE',
  });
});

test.each([
  ['no JSON', '{ "operations": [ }', { code: 'PARSE_ERROR', problems: [{ path: 'body', line: 1, column: 19 }] }],
  ['no operations', {}, { code: 'INVALID_PARAMS', problems: [{ path: 'body.operations' }] }],
  [
    'an unknown operation',
    { operations: [{ op: 'merge', path: 'a' }] },
    { code: 'INVALID_PARAMS', problems: [{ path: 'body.operations.0.op' }] },
  ],
  [
    'an unknown key',
    { ...add('b'), extra: 1 },
    { code: 'INVALID_PARAMS', problems: [{ path: 'body.extra', message: 'is not known here' }] },
  ],
  ['a path that leads nowhere', { operations: [{ op: 'remove', path: 'nothing' }] }, { code: 'INVALID_PARAMS' }],
])('a body with %s is refused with the place', async (_, body, expected) => {
  const { ask } = await createAdminSetup();
  expect(await ask('POST', '/changes', { body })).toMatchObject({ status: 400, body: expected });
});

test('a body must say that it is JSON, and is bounded', async () => {
  const { ask } = await createAdminSetup();
  expect((await ask('POST', '/changes', { body: add('b'), headers: { 'content-type': 'text/plain' } })).status).toBe(415);
  expect((await ask('POST', '/changes', { body: `"${'x'.repeat(5_000_000)}"` })).status).toBe(413);
});

test('queries are checked, and lists are read page by page', async () => {
  const { ask } = await createAdminSetup();
  expect((await ask('GET', '/calls?limit=2&nothing=1')).body).toMatchObject({ status: 400, problems: [{ path: 'query.nothing' }] });
  expect((await ask('GET', '/versions?cursor=abc')).body).toMatchObject({ status: 400, problems: [{ path: 'query.cursor' }] });
  for (const name of ['b', 'c', 'd']) await ask('POST', '/changes', { body: add(name) });
  const seen: number[] = [];
  let next: string | undefined;
  do {
    const { body } = await ask('GET', `/versions?limit=2&action=config.change${next === undefined ? '' : `&cursor=${next}`}`);
    const page = body as { versions: { version: number }[]; next?: string };
    seen.push(...page.versions.map(({ version }) => version));
    next = page.next;
  } while (next !== undefined);
  expect(seen).toEqual([4, 3, 2]);
});

test('the same key with the same request gets the same answer, and nothing happens twice', async () => {
  const { ask, state, advance } = await createAdminSetup();
  const headers = { 'idempotency-key': 'one' };
  const first = await ask('POST', '/changes', { body: add('b'), headers });
  const second = await ask('POST', '/changes', { body: add('b'), headers });
  expect([second.status, second.body]).toEqual([first.status, first.body]);
  expect(second.response.headers.get('idempotency-replayed')).toBe('true');
  expect([second.response.headers.get('etag'), second.response.headers.get('cache-control')]).toEqual(['"2"', 'no-store']);
  expect(state.current.version).toBe(2);
  expect((await ask('POST', '/changes', { body: add('c'), headers })).body).toMatchObject({ status: 409, code: 'CONFLICT' });
  // The key of someone else is another key.
  expect((await ask('POST', '/changes', { body: add('c'), headers, token: 'token-of-operator' })).status).toBe(200);
  advance(25 * 60 * 60 * 1000);
  expect((await ask('POST', '/upstreams/github/restart', { headers })).status).toBe(202);
});

test('of two requests with one key at once, one runs', async () => {
  const { ask, state } = await createAdminSetup();
  const headers = { 'idempotency-key': 'two' };
  const answers = await Promise.all([1, 2, 3].map(() => ask('POST', '/upstreams/github/restart', { headers })));
  expect(answers.filter(({ response, status }) => status === 202 && !response.headers.has('idempotency-replayed'))).toHaveLength(1);
  expect(state.current.upstreams.get('github')?.generation).toBe(1);
});

test('while the store is away a change is refused, and its key may be used again', async () => {
  const store = createBreakingStore(createMemoryStore());
  const { ask, state } = await createAdminSetup({ store });
  const headers = { 'idempotency-key': 'three' };
  store.isAway = true;
  expect((await ask('POST', '/changes', { body: add('b'), headers })).body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
  expect((await ask('POST', '/changes', { body: add('b') })).body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' });
  expect((await ask('GET', '/status')).status).toBe(200);
  store.isAway = false;
  expect((await ask('POST', '/changes', { body: add('b'), headers })).status).toBe(200);
  expect(state.current.version).toBe(2);
});

test('what is done beside the state is in the audit, and the audit is exported line by line', async () => {
  const { ask, changes } = await createAdminSetup();
  await ask('DELETE', '/caches?upstream=github');
  await ask('POST', '/storage/backup');
  await ask('POST', '/profiles/cpu', { body: { seconds: 1 } });
  expect(changes.map(({ action, lines }) => [action, ...lines])).toEqual([
    ['cache.clear', 'github'],
    ['backup', '/data/backup'],
    ['profile', 'cpu, 1 s, worker 1'],
  ]);
  expect((await ask('DELETE', '/caches?upstream=githb')).body).toMatchObject({ status: 404, code: 'UNKNOWN_NAME' });
  const { body } = await ask('GET', '/audit/export');
  expect(
    (body as string)
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { sequence: number }).sequence),
  ).toEqual([3, 2, 1]);
});

test('a part that is off is not found, in words', async () => {
  const { ask } = await createAdminSetup({ audit: undefined as never, caches: undefined as never });
  expect((await ask('GET', '/audit')).body).toMatchObject({ status: 404, detail: 'The audit is off in this gateway' });
  expect((await ask('DELETE', '/caches')).body).toMatchObject({ status: 404, detail: 'The cache is off in this gateway' });
});
