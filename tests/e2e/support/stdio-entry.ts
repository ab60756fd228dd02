import path from 'node:path';

const PROGRAM = path.resolve(import.meta.dirname, '../../faults/servers/stdio-server.mjs');

export interface StdioEntryOptions {
  /** Put in front of the name of each tool, so that servers do not collide. */
  readonly prefix?: string;
  /** Time the server takes to answer the handshake, in milliseconds. */
  readonly initDelayMs?: number;
  readonly env?: Readonly<Record<string, string | { readonly env: string }>>;
}

/**
 * An entry of a configuration that starts the small test server with its tools `echo`, `sleep`, `big`, `env` and `pids`.
 * Its folder does not move with the configuration file, so that what it offers is remembered from one start to the next.
 */
export function stdioEntry({ prefix = '', initDelayMs = 0, env = {} }: StdioEntryOptions = {}) {
  return {
    command: process.execPath,
    args: [PROGRAM, '--prefix', prefix, '--init-delay', String(initDelayMs)],
    cwd: import.meta.dirname,
    env,
  };
}
