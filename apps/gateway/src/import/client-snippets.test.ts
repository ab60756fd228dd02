import { parse as parseToml } from 'smol-toml';
import { expect, test } from 'vitest';
import { clientSnippets } from './client-snippets.ts';

const address = {
  url: 'http://127.0.0.1:7420/mcp',
  binPath: '/opt/bin/signalbox.js',
  configPath: '/home/o neill/signalbox.json',
  nodePath: '/usr/bin/node',
};
const textOf = (id: string) => clientSnippets(address).find((snippet) => snippet.id === id)!.text;

test('there is a snippet for each client, with what to do with it', () => {
  expect(clientSnippets(address).map(({ client, how }) => `${client}: ${how}`)).toEqual([
    'Claude Code: Run in a terminal',
    'Claude Desktop: Add to claude_desktop_config.json (Settings → Developer → Edit Config), then restart Claude Desktop',
    'Cursor: Add to ~/.cursor/mcp.json',
    'VS Code: Run in a terminal',
    'Windsurf: Add to ~/.codeium/windsurf/mcp_config.json',
    'Codex: Add to ~/.codex/config.toml',
    'Gemini CLI: Add to ~/.gemini/settings.json',
    'Zed: Add to settings.json of Zed (command palette → “zed: open settings file”)',
  ]);
});

test('commands can be pasted into a terminal', () => {
  expect(textOf('claude-code')).toBe('claude mcp add --transport http signalbox http://127.0.0.1:7420/mcp');
  expect(textOf('vscode')).toBe(`code --add-mcp '{"name":"signalbox","type":"http","url":"http://127.0.0.1:7420/mcp"}'`);
  const [first] = clientSnippets({ ...address, url: "http://x/mcp?a=1&b='" });
  expect(first!.text).toBe(`claude mcp add --transport http signalbox 'http://x/mcp?a=1&b='\\'''`);
});

test('Claude Desktop starts Signalbox, with Node where it is a script', () => {
  expect(JSON.parse(textOf('claude-desktop'))).toEqual({
    mcpServers: {
      signalbox: { command: '/usr/bin/node', args: ['/opt/bin/signalbox.js', 'stdio', '--config', '/home/o neill/signalbox.json'] },
    },
  });
});

test('texts for files are in the form of each client', () => {
  expect(JSON.parse(textOf('cursor'))).toEqual({ mcpServers: { signalbox: { url: address.url } } });
  expect(JSON.parse(textOf('windsurf'))).toEqual({ mcpServers: { signalbox: { serverUrl: address.url } } });
  expect(JSON.parse(textOf('gemini-cli'))).toEqual({ mcpServers: { signalbox: { httpUrl: address.url } } });
  expect(JSON.parse(textOf('zed'))).toEqual({ context_servers: { signalbox: { url: address.url } } });
  expect(parseToml(textOf('codex'))).toEqual({ mcp_servers: { signalbox: { url: address.url } } });
});
