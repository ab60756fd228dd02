import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const SERVERS = path.resolve(import.meta.dirname, '../servers');

/** Public name of the misbehaving upstream, and the prefix of its tools. */
export const BAD = 'bad';
export const BAD_ECHO = 'bad_echo';

/** The entry of a stdio server that behaves. It has the bare names `echo`, `sleep`, `big`, `env` and `pids`. */
export function goodUpstream(entry: object = {}): object {
  return stdioUpstream('good', { args: [], entry });
}

/** The entry of a stdio server in one of its modes. */
export function stdioUpstream(mode: string, options: { readonly args?: readonly string[]; readonly entry?: object } = {}): object {
  const { args = ['--prefix', 'bad_'], entry = {} } = options;
  return { command: process.execPath, args: [path.join(SERVERS, 'stdio-server.mjs'), '--mode', mode, ...args], ...entry };
}

export interface HttpUpstream extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  stats(): Promise<{ readonly requests: number; readonly initializes: number; readonly calls: number; readonly sessions: number }>;
  /** Ends it without a word, as a crash does. */
  kill(): Promise<void>;
}

/** Starts an HTTP server in one of its modes. The caller stops it, best with `await using`. */
export async function startHttpUpstream(mode: string, ...args: string[]): Promise<HttpUpstream> {
  const child = spawn(process.execPath, [path.join(SERVERS, 'http-server.mjs'), '--mode', mode, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const line = await Promise.race([
    once(child.stdout, 'data'),
    exited.then(([code]) => Promise.reject(new Error(`It ended with code ${code}`))),
  ]);
  const { port } = JSON.parse(String(line[0])) as { port: number };
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    stats: async () => (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as Awaited<ReturnType<HttpUpstream['stats']>>,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
