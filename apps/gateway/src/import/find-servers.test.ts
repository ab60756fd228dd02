import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ClientId, Surroundings } from './clients.ts';
import { findServers } from './find-servers.ts';

let folder: string;
let surroundings: Surroundings;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signalbox-import-'));
  surroundings = { home: join(folder, 'home'), cwd: join(folder, 'project'), env: {}, platform: 'linux' };
  await mkdir(surroundings.cwd);
});
afterEach(() => rm(folder, { recursive: true }));

async function put(path: string, content: unknown): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
}

async function find(client: ClientId) {
  const { servers } = await findServers(surroundings, { clients: [client] });
  return servers.map(({ name, entry, scope, notes, unusedKeys, skipReason }) => ({
    name,
    scope,
    ...(entry !== undefined && { entry }),
    ...(skipReason !== undefined && { skipReason }),
    ...(notes.length > 0 && { notes }),
    ...(unusedKeys.length > 0 && { unusedKeys }),
  }));
}

test('a machine without clients has nothing', async () => {
  expect(await findServers(surroundings)).toEqual({ files: [], servers: [], connectable: [] });
});

describe('Claude Code', () => {
  test('servers of the user, of each project and of the shared file are found', async () => {
    await put('other/x', '');
    await put('home/.claude.json', {
      numStartups: 3,
      mcpServers: { github: { type: 'http', url: 'https://x/mcp', headers: { Authorization: 'Bearer ${TOKEN}' }, oauth: {} } },
      projects: {
        [join(folder, 'other')]: {
          mcpServers: { local: { type: 'stdio', command: 'node', args: ['${CLAUDE_PROJECT_DIR}/s.js'], env: {} } },
          disabledMcpServers: ['local'],
        },
        [join(folder, 'gone')]: { mcpServers: { old: { command: 'x' } } },
        [join(folder, 'none')]: {},
      },
    });
    await put('project/.mcp.json', {
      mcpServers: { shared: { command: './serve', alwaysAllow: [] }, odd: { type: 'pigeon', url: 'https://x' } },
    });
    expect(await find('claude-code')).toEqual([
      {
        name: 'github',
        scope: 'user',
        entry: { url: 'https://x/mcp', headers: { Authorization: 'Bearer ${TOKEN}' } },
        unusedKeys: ['oauth'],
      },
      {
        name: 'local',
        scope: 'project',
        entry: { command: 'node', args: [join(folder, 'other', 's.js')], cwd: join(folder, 'other'), disabled: true },
      },
      {
        name: 'old',
        scope: 'project',
        entry: { command: 'x', cwd: join(folder, 'gone') },
        skipReason: `the folder of its project, "${join(folder, 'gone')}", is gone`,
      },
      { name: 'shared', scope: 'project', entry: { command: './serve', cwd: surroundings.cwd }, unusedKeys: ['alwaysAllow'] },
      { name: 'odd', scope: 'project', skipReason: 'it is of type "pigeon"', unusedKeys: ['url'] },
    ]);
  });

  test('CLAUDE_CONFIG_DIR moves the file of the user', async () => {
    surroundings = { ...surroundings, env: { CLAUDE_CONFIG_DIR: join(folder, 'elsewhere') } };
    await put('elsewhere/.claude.json', { mcpServers: { a: { command: 'x' } } });
    expect(await find('claude-code')).toEqual([{ name: 'a', scope: 'user', entry: { command: 'x' } }]);
  });
});

test.each([
  ['linux', 'home/.config/Claude', {}],
  ['linux', 'xdg/Claude', { XDG_CONFIG_HOME: 'xdg' }],
  ['darwin', 'home/Library/Application Support/Claude', {}],
  ['win32', 'roaming/Claude', { APPDATA: 'roaming' }],
  ['win32', 'home/AppData/Roaming/Claude', {}],
] as const)('Claude Desktop on %s is read from %s', async (platform, path, env) => {
  const inFolder = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, join(folder, value)]));
  surroundings = { ...surroundings, platform, env: inFolder };
  await put(`${path}/claude_desktop_config.json`, { mcpServers: { fs: { command: 'npx', args: ['-y', '${HOME}'] } } });
  expect(await find('claude-desktop')).toEqual([
    {
      name: 'fs',
      scope: 'user',
      entry: { command: 'npx', args: ['-y', '${HOME}'] },
      notes: ['"${HOME}" is plain text to Claude Desktop; Signalbox puts the environment variable in its place'],
    },
  ]);
});

test('Cursor: files of user and project, with its placeholders', async () => {
  await put('home/.cursor/mcp.json', { mcpServers: { a: { command: 'x', args: ['${userHome}/y', '${env:A}'], envFile: '.env' } } });
  await put('project/.cursor/mcp.json', { mcpServers: { b: { command: 'x', args: ['${workspaceFolder}', '${file}'], cwd: 'sub' } } });
  expect(await find('cursor')).toEqual([
    {
      name: 'a',
      scope: 'user',
      entry: { command: 'x', args: [`${surroundings.home}/y`, '${env:A}'] },
      notes: ['"envFile" is not read: set its variables where Signalbox runs, or under "env"'],
      unusedKeys: ['envFile'],
    },
    {
      name: 'b',
      scope: 'project',
      entry: { command: 'x', args: [surroundings.cwd, '${file}'], cwd: join(surroundings.cwd, 'sub') },
      notes: ['"${file}" means nothing outside Cursor; replace it by hand'],
    },
  ]);
});

test('VS Code: its own files and its settings, with inputs', async () => {
  await put(
    'home/.config/Code/User/mcp.json',
    `{
      // Mine.
      "inputs": [{ "id": "api-key", "type": "promptString", "password": true }, { "id": "region", "default": "eu" }],
      "servers": { "a": { "type": "stdio", "command": "x", "env": { "KEY": "\${input:api-key}", "REGION": "\${input:region}", "PORT": 80, "NO": null }, "dev": {} }, },
    }`,
  );
  await put('home/.config/Code/User/settings.json', {
    'editor.tabSize': 2,
    mcp: { servers: { b: { type: 'sse', url: 'https://b' }, e: { type: 'ws', url: 'wss://e' } } },
    'mcp.servers': { c: { command: 'c' } },
  });
  await put('project/.vscode/mcp.json', { servers: { d: { type: 'http', url: 'https://d' } } });
  expect(await find('vscode')).toEqual([
    {
      name: 'a',
      scope: 'user',
      entry: { command: 'x', env: { KEY: '${env:API_KEY}', REGION: '${env:REGION:-eu}', PORT: '80' } },
      notes: [
        '"${input:api-key}" became "${env:API_KEY}": VS Code asks for the value, Signalbox takes it from its environment',
        '"${input:region}" became "${env:REGION}": VS Code asks for the value, Signalbox takes it from its environment',
      ],
      unusedKeys: ['dev'],
    },
    {
      name: 'b',
      scope: 'user',
      entry: { type: 'sse', url: 'https://b' },
    },
    { name: 'e', scope: 'user', entry: { url: 'wss://e' } },
    { name: 'c', scope: 'user', entry: { command: 'c' } },
    { name: 'd', scope: 'project', entry: { url: 'https://d' } },
  ]);
});

test('Windsurf: serverUrl and switched-off tools', async () => {
  await put('home/.codeium/windsurf/mcp_config.json', {
    mcpServers: { a: { serverUrl: 'https://a', disabledTools: ['rm'], disabled: true }, b: { command: 'x', args: 'not a list' } },
  });
  expect(await find('windsurf')).toEqual([
    { name: 'a', scope: 'user', entry: { url: 'https://a', disabled: true, tools: { deny: ['rm'] } } },
    { name: 'b', scope: 'user', skipReason: 'its "args" is not a list of text' },
  ]);
});

test('Codex: tables of TOML with its own keys', async () => {
  await put(
    'home/.codex/config.toml',
    `model = "m" # mine
[mcp_servers.a]
command = "x"
args = ["-v"]
env_vars = ["HOME_TOWN", { name = "B", source = "remote" }]
startup_timeout_sec = 20
tool_timeout_sec = 1.5
enabled_tools = ["one"]
[mcp_servers.a.env]
KEY = "v"
[mcp_servers.b]
url = "https://b"
bearer_token_env_var = "TOKEN"
http_headers = { "X-A" = "1" }
env_http_headers = { "X-B" = "B_VAR" }
enabled = false
scopes = ["s"]
`,
  );
  expect(await find('codex')).toEqual([
    {
      name: 'a',
      scope: 'user',
      entry: {
        command: 'x',
        args: ['-v'],
        env: { KEY: 'v' },
        inheritEnv: ['HOME_TOWN', 'B'],
        tools: { allow: ['one'] },
        timeouts: { handshakeMs: 20_000, callMs: 1500 },
      },
    },
    {
      name: 'b',
      scope: 'user',
      entry: { url: 'https://b', headers: { 'X-A': '1', 'X-B': '${env:B_VAR}', Authorization: 'Bearer ${env:TOKEN}' }, disabled: true },
      unusedKeys: ['scopes'],
    },
  ]);
});

test('Gemini CLI: httpUrl, url for SSE, timeout, dollar variables and its lists', async () => {
  await put('home/.gemini/settings.json', {
    theme: 'x',
    mcp: { excluded: ['b'] },
    mcpServers: {
      a: { httpUrl: 'https://a', headers: { Authorization: 'Bearer $TOKEN' }, timeout: 5000, trust: true, excludeTools: ['rm'] },
      b: { url: 'https://b/sse' },
      c: { command: 'x', env: { K: '${V}' }, cwd: './here' },
    },
  });
  expect(await find('gemini-cli')).toEqual([
    {
      name: 'a',
      scope: 'user',
      entry: { url: 'https://a', headers: { Authorization: 'Bearer ${env:TOKEN}' }, tools: { deny: ['rm'] }, timeouts: { callMs: 5000 } },
      unusedKeys: ['trust'],
    },
    expect.objectContaining({
      name: 'b',
      entry: { type: 'sse', url: 'https://b/sse', disabled: true },
    }),
    {
      name: 'c',
      scope: 'user',
      entry: { command: 'x', env: { K: '${V}' } },
      notes: ['its folder "./here" is relative to wherever Gemini CLI is started; set "cwd" by hand'],
    },
  ]);
});

test('Zed: comments and trailing commas, both forms of a command, and extensions', async () => {
  await put(
    'home/.config/zed/settings.json',
    `// Zed settings
{
  "context_servers": {
    "a": { "command": "x", "args": ["y"], "env": {}, "enabled": false, }, // off
    "b": { "command": { "path": "p", "args": ["q"], "env": { "K": "v" } } },
    "c": { "source": "extension", "settings": {} },
  },
}`,
  );
  expect(await find('zed')).toEqual([
    { name: 'a', scope: 'user', entry: { command: 'x', args: ['y'], disabled: true } },
    { name: 'b', scope: 'user', entry: { command: 'p', args: ['q'], env: { K: 'v' } } },
    { name: 'c', scope: 'user', skipReason: 'it has neither a "command" nor a "url"', unusedKeys: ['source', 'settings'] },
  ]);
});

test('a broken file is reported with its place and without its content, and the others are read', async () => {
  await put('home/.cursor/mcp.json', '{\n  "mcpServers": [\n');
  await put('home/.codex/config.toml', 'a = 1\nSECRET = "s3cr3t\n');
  await put('home/.gemini/settings.json', { mcpServers: { a: { command: 'x' } } });
  const { files, servers, connectable } = await findServers(surroundings);
  expect(servers.map(({ name }) => name)).toEqual(['a']);
  expect(files.map(({ client, problem }) => [client, problem])).toEqual([
    ['cursor', expect.stringMatching(/^line 3, column 1: /)],
    ['codex', expect.stringMatching(/^line 2, column \d+: Invalid TOML/)],
    ['gemini-cli', undefined],
  ]);
  expect(JSON.stringify(files)).not.toContain('s3cr3t');
  expect(connectable.map(({ client }) => client)).toEqual(['cursor', 'codex', 'gemini-cli']);
});

test('in the home folder no file is read twice, and the file to connect is that of the user', async () => {
  surroundings = { ...surroundings, cwd: surroundings.home };
  await put('home/.cursor/mcp.json', { mcpServers: { a: { command: 'x' } } });
  const { servers, connectable } = await findServers(surroundings);
  expect(servers).toHaveLength(1);
  expect(connectable).toEqual([
    { client: 'cursor', path: join(folder, 'home/.cursor/mcp.json'), format: 'json', text: '{"mcpServers":{"a":{"command":"x"}}}' },
  ]);
});
