import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { askAdmin, readStatus, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from './support/gateway.ts';

const MODULE = { module: '@signalbox/module-time' };
const set = (path: string, value: unknown) => ({ operations: [{ op: 'set', path, value }] });

async function ask<Body>(
  { dataDir }: RunningGateway,
  route: string,
  ...rest: Parameters<typeof askAdmin> extends [string, string, ...infer Rest] ? Rest : never
) {
  const response = await askAdmin(dataDir, route, ...rest);
  return { status: response.status, body: (await response.json()) as Body };
}

interface Change {
  readonly version: number;
  readonly lines: readonly string[];
  readonly problems: readonly { readonly path: string }[];
  readonly file?: { readonly diff: string; readonly backup: string };
}
interface Problem {
  readonly code: string;
  readonly detail: string;
}

/** What the gateway says as it happens. */
async function listen({ dataDir }: RunningGateway) {
  const abort = new AbortController();
  const { adminUrl, token } = JSON.parse(await readFile(`${dataDir}/gateway.json`, 'utf8')) as { adminUrl: string; token: string };
  const response = await fetch(new URL('/api/v1/events', adminUrl), {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body!) text += Buffer.from(chunk as Uint8Array).toString();
  })().catch(() => undefined);
  const heard = (type: string) =>
    text
      .split('\n\n')
      .filter((block) => block.includes(`event: ${type}\n`))
      .map((block) => JSON.parse(/^data: (.*)$/m.exec(block)![1]!) as Record<string, unknown>);
  return {
    heard,
    ended: reading,
    [Symbol.asyncDispose]: async () => {
      abort.abort();
      await reading;
    },
  };
}

test('a change by the API runs at once, is told as it happens, is in the history, and can be taken back', async () => {
  await using gateway = await startGateway({
    config: '{\n  // mine\n  "mcpServers": { "time": { "module": "@signalbox/module-time" } }\n}\n',
  });
  await untilState(gateway, 'time', 'ready');
  const { starts } = (await readStatus(gateway)).upstreams[0]!;
  await using events = await listen(gateway);

  const dry = await ask<Change>(gateway, '/changes', 'POST', { body: { ...set('mcpServers.second', MODULE), dryRun: true } });
  expect(dry).toMatchObject({ status: 200, body: { version: 1, lines: ['+ mcpServers.second'], problems: [] } });
  expect((await readStatus(gateway)).upstreams).toHaveLength(1);
  const wrong = await ask<Change>(gateway, '/changes', 'POST', { body: { ...set('mcpServers.second', { modul: 'x' }), dryRun: true } });
  expect(wrong.body.problems[0]?.path).toContain('mcpServers.second');

  expect(
    (await ask<Change>(gateway, '/changes', 'POST', { body: { ...set('mcpServers.second', MODULE), reason: 'to see' } })).body.version,
  ).toBe(2);
  await untilState(gateway, 'second', 'ready');
  await eventually('the version is told', () => events.heard('state').find(({ version }) => version === 2));
  await eventually('the start is told', () => events.heard('upstream').find(({ name, state }) => name === 'second' && state === 'ready'));

  const refused = await ask<Problem>(gateway, '/changes', 'POST', { body: set('mcpServers.time.disabled', true) });
  expect(refused).toMatchObject({ status: 409, body: { code: 'CONFLICT', detail: expect.stringContaining('"target": "file"') as string } });
  const inFile = await ask<Change>(gateway, '/changes', 'POST', { body: { ...set('mcpServers.time.tags', ['clock']), target: 'file' } });
  expect(inFile.body.file?.diff).toContain('+');
  expect(await readFile(gateway.configFile, 'utf8')).toContain('// mine');
  expect(await readFile(inFile.body.file!.backup, 'utf8')).not.toContain('clock');
  await untilState(gateway, 'time', 'ready', ({ tags }) => tags.includes('clock'));

  const { body: history } = await ask<{ versions: { version: number; by: string; reason?: string }[] }>(gateway, '/versions');
  expect(history.versions.map(({ version, by, reason }) => [version, by, reason])).toEqual([
    [3, 'local', undefined],
    [2, 'local', 'to see'],
    [1, 'file', 'start'],
  ]);
  expect((await ask<Change>(gateway, '/versions/1/rollback', 'POST')).body).toMatchObject({ version: 4 });
  await eventually('the second is gone', async () => ((await readStatus(gateway)).upstreams.length === 1 ? true : undefined));
  expect(await readFile(gateway.configFile, 'utf8')).not.toContain('clock');
  expect((await ask<{ isSound: boolean }>(gateway, '/state/verify')).body).toEqual({ isSound: true, version: 4, events: 4, problems: [] });
  expect(starts).toBe(1);
  await gateway.stop();
  await events.ended;
});

test('an edit of the file is followed beside what the API owns, and shadows it', async () => {
  await using gateway = await startGateway({ config: { mcpServers: { time: MODULE } } });
  await ask(gateway, '/changes', 'POST', { body: set('mcpServers.second', { ...MODULE, tags: ['api'] }) });
  await writeFile(gateway.configFile, JSON.stringify({ mcpServers: { time: MODULE, second: { ...MODULE, tags: ['file'] } } }));
  await untilState(gateway, 'second', 'ready', ({ tags }) => tags.includes('file'));
  const { body } = await ask<{ entries: { owner: string; state: string }[] }>(gateway, '/config');
  expect(body.entries.at(-1)).toMatchObject({ owner: 'api', state: 'shadowed' });
  const shadowed = await runSignalbox(['config', 'diff', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(shadowed.stdout).toContain('What the API owns as "mcpServers.second" does not apply: the file defines it, too');
  expect(gateway.stderr()).toContain('What the API owns is set aside: mcpServers.second');
  await writeFile(gateway.configFile, JSON.stringify({ mcpServers: { time: MODULE } }));
  await untilState(gateway, 'second', 'ready', ({ tags }) => tags.includes('api'));
  const diff = await runSignalbox(['config', 'diff', '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect(diff.stdout).toContain('works by');
  expect(diff.stdout).toContain('Beside the file the API owns "mcpServers.second"');
});

test('each may do what their role says, as soon as it is configured', async () => {
  const env = { VIEWER_TOKEN: 'viewer-0123456789', OPERATOR_TOKEN: 'operator-0123456789', AUDITOR_TOKEN: 'auditor-0123456789' };
  await using gateway = await startGateway({ config: { mcpServers: { time: MODULE } }, env });
  const statusOf = async (token: string, route: string, method: 'GET' | 'POST' = 'GET') =>
    (await askAdmin(gateway.dataDir, route, method, { token })).status;
  expect(await statusOf(env.VIEWER_TOKEN, '/status')).toBe(401);
  const access = {
    vera: { role: 'viewer', token: { env: 'VIEWER_TOKEN' } },
    otto: { role: 'operator', token: { env: 'OPERATOR_TOKEN' } },
    aude: { role: 'auditor', token: { env: 'AUDITOR_TOKEN' } },
  };
  expect((await ask(gateway, '/changes', 'POST', { body: set('admin', { access }) })).status).toBe(200);
  expect(await statusOf(env.VIEWER_TOKEN, '/status')).toBe(200);
  expect(await statusOf(env.VIEWER_TOKEN, '/upstreams/time/restart', 'POST')).toBe(403);
  expect(await statusOf(env.AUDITOR_TOKEN, '/upstreams/time/restart', 'POST')).toBe(403);
  expect(await statusOf(env.OPERATOR_TOKEN, '/upstreams/time/restart', 'POST')).toBe(202);
  const command = (token: string, ...words: string[]) =>
    runSignalbox([...words, '--config', gateway.configFile, '--data', gateway.dataDir], { env: { SIGNALBOX_ADMIN_TOKEN: token } });
  expect(await command(env.VIEWER_TOKEN, 'rollback', '1')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('"operator" or "owner"') as string,
  });
  expect(await command(env.VIEWER_TOKEN, 'history')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('upstream.restart') as string,
  });
  expect(await command('nobody', 'history')).toMatchObject({ code: 1, stderr: expect.stringContaining('SIGNALBOX_ADMIN_TOKEN') as string });
});

test('with several workers the leader decides, and all follow', async () => {
  await using gateway = await startGateway({ config: { mcpServers: { time: MODULE } }, args: ['--workers', '2'] });
  await untilState(gateway, 'time', 'ready');
  await using events = await listen(gateway);
  expect((await ask<Change>(gateway, '/changes', 'POST', { body: set('mcpServers.second', MODULE) })).body.version).toBe(2);
  await untilState(gateway, 'second', 'ready');
  await eventually('the version is told', () => events.heard('state').find(({ version }) => version === 2));
  for (let index = 0; index < 8; index++) {
    const response = await fetch(gateway.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'tools/list',
        connection: 'close',
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
        params: {
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': {},
          },
        },
      }),
    });
    expect(await response.text()).toContain('second__');
  }
});

test('what the API owns outlives the process, and an edit made while none ran is in the history and in the audit', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-data-'));
  try {
    const first = await startGateway({ config: { mcpServers: { time: MODULE } }, dataDir });
    expect((await ask(first, '/changes', 'POST', { body: set('mcpServers.clock', MODULE) })).status).toBe(200);
    await first.stop('SIGKILL');

    await using second = await startGateway({ config: { mcpServers: { time: MODULE, edited: MODULE } }, dataDir });
    expect(Object.keys((await ask<{ config: { mcpServers: object } }>(second, '/config')).body.config.mcpServers).toSorted()).toEqual([
      'clock',
      'edited',
      'time',
    ]);
    const { versions } = (await ask<{ versions: { by: string; action: string }[] }>(second, '/versions')).body;
    expect(versions.map(({ by, action }) => [by, action])).toEqual([
      ['file', 'config.reload'],
      ['local', 'config.change'],
      ['file', 'config.reload'],
    ]);
    expect((await ask(second, '/state/verify')).body).toMatchObject({ isSound: true, events: 3 });
    const audited = await eventually('the edit is in the audit', async () => {
      const { entries } = (await ask<{ entries: { record: { lines: string[] } }[] }>(second, '/audit?kind=change')).body;
      return entries.find(({ record }) => record.lines.some((line) => line.includes('mcpServers.edited')));
    });
    expect(audited.record).toMatchObject({ by: 'file' });
    expect(second.stderr()).not.toContain('Cannot keep');
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});
