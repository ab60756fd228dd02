import { type Client, type ClientId, CLIENTS, type SignalboxAddress } from './clients.ts';
import { toToml } from './connect-client.ts';

export interface ClientSnippet {
  readonly id: ClientId;
  /** Name of the client as people know it. */
  readonly client: string;
  /** What to do with the text. */
  readonly how: string;
  readonly text: string;
}

/** What to paste to make each client use Signalbox, ready as it is. */
export function clientSnippets(address: SignalboxAddress): readonly ClientSnippet[] {
  return CLIENTS.map((client) => ({ id: client.id, client: client.title, ...SNIPPETS[client.id](client, address) }));
}

type Snippet = (client: Client, address: SignalboxAddress) => { readonly how: string; readonly text: string };

const SNIPPETS: Readonly<Record<ClientId, Snippet>> = {
  'claude-code': (_, { url }) => ({ how: 'Run in a terminal', text: `claude mcp add --transport http signalbox ${quote(url)}` }),
  'claude-desktop': inFile('claude_desktop_config.json (Settings → Developer → Edit Config), then restart Claude Desktop'),
  cursor: inFile('~/.cursor/mcp.json'),
  vscode: (client, address) => ({
    how: 'Run in a terminal',
    text: `code --add-mcp ${quote(JSON.stringify({ name: 'signalbox', ...client.toEntry(address) }))}`,
  }),
  windsurf: inFile('~/.codeium/windsurf/mcp_config.json'),
  codex: (client, address) => ({ how: 'Add to ~/.codex/config.toml', text: toToml(client, address).trimEnd() }),
  'gemini-cli': inFile('~/.gemini/settings.json'),
  zed: inFile('settings.json of Zed (command palette → “zed: open settings file”)'),
};

function inFile(place: string): Snippet {
  return (client, address) => ({
    how: `Add to ${place}`,
    text: JSON.stringify(
      client.serversPath.reduceRight<unknown>((inner, key) => ({ [key]: inner }), { signalbox: client.toEntry(address) }),
      null,
      2,
    ),
  });
}

/** Quotes a word for a POSIX shell and for PowerShell, where it needs it. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
