import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { askAdmin, readStatus, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';
import { isAlive } from './support/process-tree.ts';
import { rpc } from './support/raw-client.ts';
import { stdioEntry } from './support/stdio-entry.ts';

const A = stdioEntry({ prefix: 'a_' });
const B = stdioEntry({ prefix: 'b_' });
const C = stdioEntry({ prefix: 'c_' });

describe('an edit of the file while the gateway runs', () => {
  test('restarts the server it is about, and no other', async () => {
    await using gateway = await startGateway({ config: { mcpServers: { a: A, b: B } } });
    const a = await untilState(gateway, 'a', 'ready');
    const b = await untilState(gateway, 'b', 'ready');

    await edit(gateway, { mcpServers: { a: A, b: { ...B, env: { COLOUR: 'green' } } } });
    const changed = await untilState(gateway, 'b', 'ready', ({ pid }) => pid !== b.pid);
    expect(await untilState(gateway, 'a', 'ready')).toMatchObject({ pid: a.pid, starts: 1, since: a.since });
    expect(changed.failures).toBe(0);
    expect(await environmentOf(gateway, 'b_env')).toMatchObject({ COLOUR: 'green' });

    // Comments, spaces and the order of entries are no change of an entry.
    const reordered = { mcpServers: { c: C, b: { env: { COLOUR: 'green' }, args: B.args, cwd: B.cwd, command: B.command }, a: A } };
    await writeFile(gateway.configFile, `// in another order\n${JSON.stringify(reordered, undefined, 4)}`);
    await untilState(gateway, 'c', 'ready');
    expect(await untilState(gateway, 'a', 'ready')).toMatchObject({ pid: a.pid, starts: 1 });
    expect(await untilState(gateway, 'b', 'ready')).toMatchObject({ pid: changed.pid, starts: changed.starts });
  });

  test.each(['sdk', 'client modern'] as const)('adds and removes servers, and the client "%s" hears of it', async (kind) => {
    await using gateway = await startGateway({ config: { mcpServers: { a: A } } });
    await untilState(gateway, 'a', 'ready');
    await using client = await openOfficialClient(kind, gateway.url);
    expect(await client.tools()).toEqual(['a_echo', 'a_sleep', 'a_big', 'a_env', 'a_pids']);

    await edit(gateway, { mcpServers: { a: A, c: C } });
    await eventually('the client hears of the new tools', () => (client.heard.toolListChanges > 0 ? true : undefined));
    await eventually('the new tools', async () => ((await client.tools()).includes('c_echo') ? true : undefined));
    expect((await client.call('c_echo', { text: 'new here' })).text).toBe('new here');

    const before = client.heard.toolListChanges;
    const { pid } = await untilState(gateway, 'c', 'ready');
    await edit(gateway, { mcpServers: { a: A } });
    await eventually('the client hears of the removal', () => (client.heard.toolListChanges > before ? true : undefined));
    expect(await client.tools()).toEqual(['a_echo', 'a_sleep', 'a_big', 'a_env', 'a_pids']);
    await expect(client.call('c_echo', { text: 'gone' })).rejects.toThrow('c_echo');
    await eventually('its process has ended', () => (isAlive(pid!) ? undefined : true));
    expect((await readStatus(gateway)).upstreams.map(({ name }) => name)).toEqual(['a']);
  });

  test.each([
    ['is no JSON', '{\n  "mcpServers": {\n    "a": { "command" "x" }\n  }\n}', 'line 3, column 22: expected ":", found "\\"x\\""'],
    [
      'has an unknown key',
      '{\n  "mcpServers": {\n    "a": { "comand": "x" }\n  }\n}',
      'line 3, column 12: mcpServers.a.comand is not a known key; did you mean "command"?',
    ],
    [
      'has a wrong value',
      '{\n  "mcpServers": { "a": { "command": "x" } },\n  "listen": { "port": "http" }\n}',
      'line 3, column 15: listen.port',
    ],
  ])('that %s changes nothing, and the log says file, line and reason', async (_, text, reason) => {
    await using gateway = await startGateway({ config: { mcpServers: { a: A } } });
    const a = await untilState(gateway, 'a', 'ready');
    const { stateVersion } = await readStatus(gateway);

    await writeFile(gateway.configFile, text);
    const line = await eventually('the log tells of the edit, with its place', () =>
      logLines(gateway).find((entry) => Object.values(entry).join('\n').includes(reason)),
    );
    expect(line['level']).toMatch(/^(warn|error)$/);
    expect(JSON.stringify(line)).toContain(gateway.configFile);
    expect(await readStatus(gateway)).toMatchObject({ stateVersion, upstreams: [{ name: 'a', state: 'ready', pid: a.pid, starts: 1 }] });

    // Mended, it is taken again.
    await edit(gateway, { mcpServers: { a: A, c: C } });
    await untilState(gateway, 'c', 'ready');
  });
});

describe('a secret', () => {
  test('reaches the server from the environment in every spelling, and stands neither in the file nor in the log', async () => {
    const secret = 'correct-horse-battery';
    const env = { PLAIN: '${env:SB_SECRET}', OBJECT: { env: 'SB_SECRET' }, INSIDE: 'Bearer ${env:SB_SECRET}!', ELSE: '${SB_ABSENT:-none}' };
    const config = { log: { level: 'debug' }, mcpServers: { a: stdioEntry({ prefix: 'a_', env }) } };
    await using gateway = await startGateway({ config, env: { SB_SECRET: secret, SB_ABSENT: undefined } });
    await untilState(gateway, 'a', 'ready');
    expect(await environmentOf(gateway, 'a_env')).toMatchObject({
      PLAIN: secret,
      OBJECT: secret,
      INSIDE: `Bearer ${secret}!`,
      ELSE: 'none',
    });
    expect(await environmentOf(gateway, 'a_env')).not.toHaveProperty('SB_SECRET');
    expect(await readFile(gateway.configFile, 'utf8')).not.toContain(secret);
    expect(gateway.stderr() + gateway.stdout()).not.toContain(secret);
    const shown = await askAdmin(gateway.dataDir, '/config');
    expect(await shown.text()).not.toContain(secret);
  });

  test('that is missing fails its own server with the name of the variable, and no other', async () => {
    const config = { mcpServers: { lacking: stdioEntry({ prefix: 'l_', env: { TOKEN: { env: 'SB_NOT_THERE' } } }), fine: A } };
    await using gateway = await startGateway({ config, env: { SB_NOT_THERE: undefined } });
    await untilState(gateway, 'fine', 'ready');
    const lacking = await untilState(gateway, 'lacking', 'failed');
    expect(lacking.reason).toContain('"SB_NOT_THERE"');
    const answer = await rpc(gateway.url)
      .modern()
      .request('tools/call', { name: 'a_echo', arguments: { text: 'here' } });
    expect(answer.result).toMatchObject({ content: [{ text: 'here' }] });
  });
});

describe('listening beyond loopback', () => {
  test('is refused without a token, and without the variable that holds it', async () => {
    await using folder = await configured({ listen: { host: '0.0.0.0' } });
    const refused = await runSignalbox(['serve', '--port', '0', '--config', folder.configFile, '--data', folder.dataDir]);
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('"0.0.0.0" without a token') as string });

    await using other = await configured({ listen: { host: '0.0.0.0', token: { env: 'SB_LISTEN_TOKEN' } } });
    const env = { SB_LISTEN_TOKEN: undefined };
    const lacking = await runSignalbox(['serve', '--port', '0', '--config', other.configFile, '--data', other.dataDir], { env });
    expect(lacking).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('"SB_LISTEN_TOKEN"') as string });
  });

  test('asks every client for the token, and the admin API for its own', async () => {
    const token = 'open-sesame-0123456789';
    const config = { listen: { host: '0.0.0.0', token: { env: 'SB_LISTEN_TOKEN' } }, mcpServers: { a: A } };
    await using gateway = await startGateway({ config, env: { SB_LISTEN_TOKEN: token } });
    await untilState(gateway, 'a', 'ready');
    const list = (headers: Record<string, string>) => rpc(gateway.url).modern({ headers }).exchange('tools/list');
    expect((await list({})).status).toBe(401);
    expect((await list({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await list({ authorization: `Bearer ${token}` })).status).toBe(200);

    await using client = await openOfficialClient('sdk', gateway.url, { authorization: `Bearer ${token}` });
    expect((await client.call('a_echo', { text: 'let in' })).text).toBe('let in');

    const api = new URL('/api/v1/status', gateway.url);
    expect((await fetch(api)).status).toBe(401);
    expect((await fetch(api, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    expect((await askAdmin(gateway.dataDir, '/status')).status).toBe(200);
    const status = await runSignalbox(['status', '--json', '--data', gateway.dataDir]);
    expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining('"ready"') as string });
    expect(gateway.stdout() + gateway.stderr() + status.stdout).not.toContain(token);
  });
});

function edit({ configFile }: RunningGateway, config: unknown): Promise<void> {
  return writeFile(configFile, JSON.stringify(config));
}

async function environmentOf(gateway: RunningGateway, tool: string): Promise<Record<string, string>> {
  const { result, error } = await rpc(gateway.url).modern().request('tools/call', { name: tool, arguments: {} });
  expect(error).toBeUndefined();
  const [{ text }] = result!['content'] as [{ readonly text: string }];
  return JSON.parse(text) as Record<string, string>;
}

function logLines(gateway: RunningGateway): Record<string, unknown>[] {
  const complete = gateway.stderr().split('\n').slice(0, -1);
  return complete.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function configured(config: unknown) {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
  const configFile = path.join(folder, 'signalbox.json');
  await writeFile(configFile, JSON.stringify(config));
  return { configFile, dataDir: path.join(folder, 'data'), [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}
