import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseGatewayConfig } from '@signalbox/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseConfigText, serversIn } from '../config-file/config-text.ts';
import { applyImport } from './apply-import.ts';
import { findServers, type FoundServers } from './find-servers.ts';
import type { ImportPlan } from './import-plan.ts';
import { type ImportOptions, planImport } from './plan-import.ts';

let folder: string;
let options: ImportOptions;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-plan-'));
  options = { address: { url: 'http://127.0.0.1:7420/mcp', binPath: '/opt/signalbox', configPath: join(folder, 'signalbox.json') } };
});
afterEach(() => rm(folder, { recursive: true }));

const SECRET = 'ghp_0123456789abcdefghij';

/** What is found when Claude Code (project), Claude Desktop and Codex have these servers. */
async function foundIn(files: { claudeCode?: object; desktop?: object; codex?: string }): Promise<FoundServers> {
  const at = (name: string) => join(folder, name);
  if (files.claudeCode !== undefined) await writeFile(at('.mcp.json'), JSON.stringify({ mcpServers: files.claudeCode }));
  if (files.desktop !== undefined) await writeFile(at('.claude.json'), JSON.stringify({ mcpServers: files.desktop }));
  if (files.codex !== undefined) await writeFile(at('config.toml'), files.codex);
  return findServers({
    home: join(folder, 'home'),
    cwd: folder,
    env: { CLAUDE_CONFIG_DIR: folder, CODEX_HOME: folder },
    platform: 'linux',
  });
}

const after = (plan: ImportPlan) => plan.changes[0]!.after;
const actions = (plan: ImportPlan) => plan.report.servers.map(({ name, action, addedAs, reason }) => [name, action, addedAs ?? reason]);

describe('planImport', () => {
  test('found servers become clean entries the configuration accepts', async () => {
    const found = await foundIn({
      claudeCode: { one: { type: 'stdio', command: 'npx', args: ['-y', 'x'], alwaysAllow: ['a'] } },
      codex: '[mcp_servers.two]\nurl = "https://two/mcp"\nscopes = []\n',
    });
    const plan = planImport(found, undefined, options);
    expect(after(plan)).toBe(`{
  "mcpServers": {
    "one": {
      "command": "npx",
      "args": ["-y", "x"]
    },
    "two": {
      "url": "https://two/mcp"
    }
  }
}
`);
    expect(plan.changes).toEqual([{ path: options.address.configPath, before: undefined, after: after(plan) }]);
    expect(Object.keys(parseGatewayConfig(parseConfigText(after(plan)).value).mcpServers)).toEqual(['one', 'two']);
    expect(plan.report.servers.map(({ name, unusedKeys }) => [name, unusedKeys])).toEqual([
      ['one', ['alwaysAllow']],
      ['two', ['scopes']],
    ]);
  });

  test('the same server is taken once and another of the same name gets a longer one', async () => {
    const found = await foundIn({
      desktop: { a: { command: 'x' }, b: { url: 'https://b' } },
      claudeCode: { again: { command: 'x', env: { MORE: '1' } }, b: { url: 'https://other' } },
      codex: '[mcp_servers.b]\nurl = "https://third"\n["mcp_servers"."b-codex"]\nurl = "https://fourth"\n',
    });
    const plan = planImport(found, '{ "mcpServers": { "b-claude-code": { "command": "y" } } }', options);
    expect(actions(plan)).toEqual([
      ['a', 'add', 'a'],
      ['b', 'add', 'b'],
      ['again', 'skip', 'it is the same as "a" of claude-code; that one has no "MORE" under "env"'],
      ['b', 'conflict', 'b-claude-code-2'],
      ['b', 'conflict', 'b-codex'],
      ['b-codex', 'conflict', 'b-codex-codex'],
    ]);
  });

  test('a second import finds everything there already, also when secrets became references', async () => {
    const found = await foundIn({
      desktop: { a: { command: 'x', args: ['--token', SECRET], env: { API_KEY: 'abc' } }, b: { url: `https://b?key=${SECRET}` } },
      claudeCode: { a: { command: 'z' } },
    });
    for (const secretsAsReferences of [false, true]) {
      const first = planImport(found, undefined, { ...options, secretsAsReferences });
      const second = planImport(found, after(first), options);
      expect(actions(second)).toEqual([
        ['a', 'skip', 'it is there already, as "a"'],
        ['b', 'skip', 'it is there already, as "b"'],
        ['a', 'skip', 'it is there already, as "a-claude-code"'],
      ]);
      expect(second.changes).toEqual([]);
      expect(second.report.diff).toBe('');
    }
  });

  test('Signalbox itself, what cannot be served and impossible addresses are skipped with the reason', async () => {
    const found = await foundIn({
      desktop: {
        signalbox: { type: 'http', url: 'http://localhost:7420/mcp' },
        odd: { type: 'pigeon', url: 'https://x' },
        socket: { type: 'ws', url: 'ws://x/mcp' },
        'own socket': { type: 'ws', url: 'ws://127.0.0.1:7420/mcp' },
        file: { type: 'http', url: 'unix:///x' },
        '@scope/name': { command: 'x' },
      },
    });
    const plan = planImport(found, undefined, options);
    expect(actions(plan)).toEqual([
      ['signalbox', 'skip', 'it is Signalbox itself'],
      ['odd', 'skip', 'it is of type "pigeon"'],
      ['socket', 'add', 'socket'],
      ['own socket', 'skip', 'it is Signalbox itself'],
      ['file', 'skip', expect.stringContaining('must be an http://, https://, ws:// or wss:// address')],
      ['@scope/name', 'add', 'scope-name'],
    ]);
  });

  test('secrets keep working and are never shown', async () => {
    const found = await foundIn({
      desktop: {
        a: { command: 'x', args: ['--api-key', 'argument-secret-1'], env: { GITHUB_TOKEN: SECRET, MODE: 'fast' } },
        b: { url: 'https://b', headers: { Authorization: 'Bearer header-secret-2' } },
      },
    });
    const config = '{\n  "mcpServers": {\n    "old": { "command": "y", "env": { "OLD_KEY": "config-secret-3" } }\n  }\n}\n';
    const plan = planImport(found, config, options);
    expect(serversIn(after(plan))['a']).toMatchObject({ args: ['--api-key', 'argument-secret-1'], env: { GITHUB_TOKEN: SECRET } });
    const shown = JSON.stringify(plan.report);
    for (const secret of [SECRET, 'argument-secret', 'header-secret', 'config-secret']) expect(shown).not.toContain(secret);
    expect(plan.report.diff).toContain('+        "GITHUB_TOKEN": "••••ghij"');
    expect(plan.report.servers[0]!.secrets).toEqual([
      { where: 'args[1]', masked: '••••et-1', reference: '${env:A_API_KEY}' },
      { where: 'env.GITHUB_TOKEN', masked: '••••ghij', reference: '${env:GITHUB_TOKEN}' },
    ]);
    expect(plan.report.variables).toEqual([]);
  });

  test('secrets become references when asked, one variable for each value', async () => {
    const found = await foundIn({
      desktop: {
        a: { command: 'x', env: { GITHUB_TOKEN: SECRET, OTHER: '${env:OTHER}', EASY: '${EASY:-1}' } },
        b: { command: 'y', env: { GITHUB_TOKEN: SECRET } },
        c: { command: 'z', env: { GITHUB_TOKEN: 'another' } },
        d: { url: 'https://d?token=abc', headers: { Authorization: 'Bearer def' } },
      },
    });
    const plan = planImport(found, undefined, { ...options, secretsAsReferences: true });
    expect(serversIn(after(plan))).toEqual({
      a: { command: 'x', env: { GITHUB_TOKEN: '${env:GITHUB_TOKEN}', OTHER: '${env:OTHER}', EASY: '${EASY:-1}' } },
      b: { command: 'y', env: { GITHUB_TOKEN: '${env:GITHUB_TOKEN}' } },
      c: { command: 'z', env: { GITHUB_TOKEN: '${env:C_GITHUB_TOKEN}' } },
      d: { url: 'https://d?token=${env:D_TOKEN}', headers: { Authorization: 'Bearer ${env:D_TOKEN_2}' } },
    });
    expect(plan.report.variables).toEqual([
      { name: 'GITHUB_TOKEN', servers: ['a', 'b'], because: 'secret' },
      { name: 'OTHER', servers: ['a'], because: 'reference' },
      { name: 'C_GITHUB_TOKEN', servers: ['c'], because: 'secret' },
      { name: 'D_TOKEN', servers: ['d'], because: 'secret' },
      { name: 'D_TOKEN_2', servers: ['d'], because: 'secret' },
    ]);
  });

  test('a configuration with errors is refused with the place', async () => {
    const found = await foundIn({ desktop: { a: { command: 'x' } } });
    expect(() => planImport(found, '{\n  "a" 1 }', options)).toThrow(`Cannot add to "${options.address.configPath}": line 2, column 7`);
  });
});

describe('applyImport', () => {
  const now = () => new Date('2026-01-02T03:04:05.678Z');

  test('the configuration and, when connecting, the files of clients are written, each after a copy', async () => {
    const found = await foundIn({ desktop: { a: { command: 'x' } }, codex: '# mine\nmodel = "m"\n' });
    await writeFile(options.address.configPath, '{}');
    const written = await applyImport(planImport(found, '{}', { ...options, connect: true }), { now });
    expect(written.map(({ path, backup }) => [path, backup])).toEqual(
      ['signalbox.json', '.claude.json', 'config.toml'].map((name) => [
        join(folder, name),
        join(folder, `${name}.2026-01-02T03-04-05-678Z.bak`),
      ]),
    );
    expect(JSON.parse(await readFile(join(folder, '.claude.json'), 'utf8'))).toEqual({
      mcpServers: { a: { command: 'x' }, signalbox: { type: 'http', url: 'http://127.0.0.1:7420/mcp' } },
    });
    expect(await readFile(join(folder, 'config.toml'), 'utf8')).toBe(
      '# mine\nmodel = "m"\n\n[mcp_servers.signalbox]\nurl = "http://127.0.0.1:7420/mcp"\n',
    );

    const again = await foundIn({});
    const plan = planImport(again, await readFile(options.address.configPath, 'utf8'), { ...options, connect: true });
    expect(plan.changes).toEqual([]);
    expect(plan.report.connections.map(({ action, reason }) => [action, reason])).toEqual([
      ['skip', 'it uses Signalbox already, as "signalbox"'],
      ['skip', 'it uses Signalbox already, as "signalbox"'],
    ]);
  });

  test('without connecting, no file of a client is touched', async () => {
    const found = await foundIn({ desktop: { a: { command: 'x' } } });
    const written = await applyImport(planImport(found, undefined, options));
    expect(written).toEqual([{ path: options.address.configPath }]);
    expect((await readdir(folder)).toSorted()).toEqual(['.claude.json', 'signalbox.json']);
  });

  test('a client that wrote its file in the meantime is left alone, and what was written before is said', async () => {
    const plan = planImport(await foundIn({ desktop: { a: { command: 'x' } } }), undefined, { ...options, connect: true });
    await writeFile(join(folder, '.claude.json'), '{"numStartups":4}');
    await expect(applyImport(plan)).rejects.toMatchObject({ code: 'CONFLICT', data: { written: [{ path: options.address.configPath }] } });
    expect(await readFile(join(folder, '.claude.json'), 'utf8')).toBe('{"numStartups":4}');
  });
});
