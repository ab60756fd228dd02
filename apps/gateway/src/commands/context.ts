import { homedir } from 'node:os';
import { createTerminal, type Terminal } from '../terminal/terminal.ts';

/** Options every command has. */
export interface CommonOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly debug?: boolean;
}

/** Everything a command takes from its process. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly options: CommonOptions;
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

export function createContext(options: CommonOptions): CommandContext {
  const { env, stdin, stdout, stderr, platform } = process;
  const terminal = createTerminal({ stdin, stdout, stderr, env, isJson: options.json === true });
  return { terminal, options, cwd: process.cwd(), home: homedir(), env, platform };
}
