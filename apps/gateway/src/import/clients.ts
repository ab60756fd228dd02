import { join } from 'node:path';
import { isObject } from '@signalbox/core';
import { configHome } from '../config-file/find-config-file.ts';
import type { Dialect } from './placeholders.ts';

export type ClientId = 'claude-code' | 'claude-desktop' | 'cursor' | 'vscode' | 'windsurf' | 'codex' | 'gemini-cli' | 'zed';

/** The machine as the clients see it, handed in so that it can be any folder. */
export interface Surroundings {
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** How clients reach Signalbox: over HTTP, or by starting it. */
export interface SignalboxAddress {
  readonly url: string;
  /** Absolute path of the `signalbox` program. */
  readonly binPath: string;
  readonly configPath: string;
  /** Absolute path of Node, for a program that is a script. Default `node`. */
  readonly nodePath?: string;
}

/** A group of server entries in a client’s file. */
export interface Section {
  readonly servers: Readonly<Record<string, unknown>>;
  /** Folder of the project the group belongs to. */
  readonly folder?: string;
  readonly inputs?: unknown;
  /** Whether the client keeps a server switched off by a list beside the entries. */
  readonly isOff?: (name: string) => boolean;
}

export interface ClientFile {
  readonly path: string;
  readonly format: 'json' | 'toml';
  /** Folder of the project whose file this is; absent for the user’s own file. */
  readonly folder?: string;
  /** Whether this is where an entry for all projects belongs. */
  readonly isMain?: boolean;
  readonly sections: (document: Readonly<Record<string, unknown>>) => readonly Section[];
}

export interface Client {
  readonly id: ClientId;
  readonly title: string;
  readonly dialect: Dialect;
  readonly files: (surroundings: Surroundings) => readonly ClientFile[];
  /** Where in the main file the servers stand. */
  readonly serversPath: readonly string[];
  /** The entry that makes the client use Signalbox. */
  readonly toEntry: (address: SignalboxAddress) => Readonly<Record<string, unknown>>;
}

/** Every client Signalbox can import from and connect to: where its files are and how they are written. */
export const CLIENTS: readonly Client[] = [
  {
    id: 'claude-code',
    title: 'Claude Code',
    dialect: 'shell',
    files: ({ home, cwd, env }) => [
      { path: join(env['CLAUDE_CONFIG_DIR'] || home, '.claude.json'), format: 'json', isMain: true, sections: claudeCodeSections },
      { path: join(cwd, '.mcp.json'), format: 'json', folder: cwd, sections: at('mcpServers') },
    ],
    serversPath: ['mcpServers'],
    toEntry: ({ url }) => ({ type: 'http', url }),
  },
  {
    id: 'claude-desktop',
    title: 'Claude Desktop',
    dialect: 'literal',
    files: (surroundings) => [
      {
        path: join(applicationData(surroundings), 'Claude', 'claude_desktop_config.json'),
        format: 'json',
        isMain: true,
        sections: at('mcpServers'),
      },
    ],
    serversPath: ['mcpServers'],
    // Its file holds servers to start only; addresses are entered in its settings and must be reachable from outside.
    toEntry: toStdioCommand,
  },
  {
    id: 'cursor',
    title: 'Cursor',
    dialect: 'editor',
    files: ({ home, cwd }) => [
      { path: join(home, '.cursor', 'mcp.json'), format: 'json', isMain: true, sections: at('mcpServers') },
      { path: join(cwd, '.cursor', 'mcp.json'), format: 'json', folder: cwd, sections: at('mcpServers') },
    ],
    serversPath: ['mcpServers'],
    toEntry: ({ url }) => ({ url }),
  },
  {
    id: 'vscode',
    title: 'VS Code',
    dialect: 'editor',
    files: (surroundings) => {
      const { cwd } = surroundings;
      const users = ['Code', 'Code - Insiders', 'VSCodium'].map((product) => join(applicationData(surroundings), product, 'User'));
      return [
        ...users.map((user) => ({ path: join(user, 'mcp.json'), format: 'json', isMain: true, sections: at('servers') }) as const),
        ...users.map((user) => ({ path: join(user, 'settings.json'), format: 'json', sections: vscodeSettingsSections }) as const),
        { path: join(cwd, '.vscode', 'mcp.json'), format: 'json', folder: cwd, sections: at('servers') },
        { path: join(cwd, '.vscode', 'settings.json'), format: 'json', folder: cwd, sections: vscodeSettingsSections },
      ];
    },
    serversPath: ['servers'],
    toEntry: ({ url }) => ({ type: 'http', url }),
  },
  {
    id: 'windsurf',
    title: 'Windsurf',
    dialect: 'editor',
    files: ({ home }) => [
      { path: join(home, '.codeium', 'windsurf', 'mcp_config.json'), format: 'json', isMain: true, sections: at('mcpServers') },
    ],
    serversPath: ['mcpServers'],
    toEntry: ({ url }) => ({ serverUrl: url }),
  },
  {
    id: 'codex',
    title: 'Codex',
    dialect: 'literal',
    files: ({ home, cwd, env }) => [
      { path: join(env['CODEX_HOME'] || join(home, '.codex'), 'config.toml'), format: 'toml', isMain: true, sections: at('mcp_servers') },
      { path: join(cwd, '.codex', 'config.toml'), format: 'toml', folder: cwd, sections: at('mcp_servers') },
    ],
    serversPath: ['mcp_servers'],
    toEntry: ({ url }) => ({ url }),
  },
  {
    id: 'gemini-cli',
    title: 'Gemini CLI',
    dialect: 'gemini',
    files: ({ home, cwd }) => [
      { path: join(home, '.gemini', 'settings.json'), format: 'json', isMain: true, sections: geminiSections },
      { path: join(cwd, '.gemini', 'settings.json'), format: 'json', folder: cwd, sections: geminiSections },
    ],
    serversPath: ['mcpServers'],
    toEntry: ({ url }) => ({ httpUrl: url }),
  },
  {
    id: 'zed',
    title: 'Zed',
    dialect: 'literal',
    files: (surroundings) => [
      {
        path: join(
          surroundings.platform === 'win32' ? join(applicationData(surroundings), 'Zed') : join(configHome(surroundings), 'zed'),
          'settings.json',
        ),
        format: 'json',
        isMain: true,
        sections: at('context_servers'),
      },
      { path: join(surroundings.cwd, '.zed', 'settings.json'), format: 'json', folder: surroundings.cwd, sections: at('context_servers') },
    ],
    serversPath: ['context_servers'],
    toEntry: ({ url }) => ({ url }),
  },
];

/** The command by which a client that cannot use addresses starts Signalbox. */
export function toStdioCommand({ binPath, configPath, nodePath = 'node' }: SignalboxAddress): { command: string; args: string[] } {
  const args = ['stdio', '--config', configPath];
  return /\.[cm]?js$/.test(binPath) ? { command: nodePath, args: [binPath, ...args] } : { command: binPath, args };
}

function applicationData({ home, env, platform }: Surroundings): string {
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (platform === 'win32') return env['APPDATA'] || join(home, 'AppData', 'Roaming');
  return configHome({ home, env });
}

function at(key: string) {
  return (document: Readonly<Record<string, unknown>>): Section[] => {
    const servers = document[key];
    return isObject(servers) ? [{ servers, inputs: document['inputs'] }] : [];
  };
}

function claudeCodeSections(document: Readonly<Record<string, unknown>>): Section[] {
  const projects = isObject(document['projects']) ? document['projects'] : {};
  const ofProjects = Object.entries(projects).flatMap(([folder, project]): Section[] => {
    if (!isObject(project) || !isObject(project['mcpServers'])) return [];
    const off = project['disabledMcpServers'];
    return [{ servers: project['mcpServers'], folder, isOff: (name) => Array.isArray(off) && off.includes(name) }];
  });
  return [...at('mcpServers')(document), ...ofProjects];
}

function vscodeSettingsSections(document: Readonly<Record<string, unknown>>): Section[] {
  const dotted = document['mcp.servers'];
  const nested = isObject(document['mcp']) ? at('servers')(document['mcp']) : [];
  return isObject(dotted) ? [...nested, { servers: dotted }] : nested;
}

function geminiSections(document: Readonly<Record<string, unknown>>): Section[] {
  const { allowed, excluded } = isObject(document['mcp']) ? document['mcp'] : {};
  const isOff = (name: string) =>
    (Array.isArray(excluded) && excluded.includes(name)) || (Array.isArray(allowed) && allowed.length > 0 && !allowed.includes(name));
  return at('mcpServers')(document).map((section) => ({ ...section, isOff }));
}
