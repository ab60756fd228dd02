import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const PROGRAM = path.resolve(import.meta.dirname, '../../../apps/gateway/bin/signalbox.js');
const READY = /http:\/\/(?:127\.0\.0\.1|0\.0\.0\.0):\d+\/mcp/;

export interface GatewayOptions {
  /** What the configuration file holds. A text is written as it is, anything else as JSON. */
  readonly config: unknown;
  /** More arguments after `serve --config … --port 0 --data …`. */
  readonly args?: readonly string[];
  /** Variables beside those of this process; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A data folder to start with; it is left standing. Default: a fresh one that goes with the gateway. */
  readonly dataDir?: string;
  /** Longest wait for the ready line, in milliseconds. Default 15,000. */
  readonly readyMs?: number;
}

export interface RunningGateway extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly configFile: string;
  readonly dataDir: string;
  /** Time from starting the process to its ready line, in milliseconds. */
  readonly readyMs: number;
  /** Everything written so far. */
  stdout(): string;
  stderr(): string;
  /** Ends the process and resolves once it is gone. A signal other than SIGTERM can be asked for. Idempotent. */
  stop(signal?: NodeJS.Signals): Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/**
 * Starts the compiled program as its users do and waits until it says where it listens.
 * The caller stops it, best with `await using`.
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
  const configFile = path.join(folder, 'signalbox.json');
  const dataDir = options.dataDir ?? path.join(folder, 'data');
  await writeFile(configFile, typeof options.config === 'string' ? options.config : JSON.stringify(options.config));

  const startedAt = performance.now();
  const args = [PROGRAM, 'serve', '--config', configFile, '--port', '0', '--data', dataDir, ...(options.args ?? [])];
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const written = { stdout: '', stderr: '' };
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text));

  const ready = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      written.stdout += text;
      const address = READY.exec(written.stdout)?.[0];
      if (address !== undefined) resolve(address);
    });
  });

  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    // A gateway that cannot end is a finding of its own: it is killed, and the caller sees the signal.
    const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
    const [code, endSignal] = await exited;
    clearTimeout(timer);
    await rm(folder, { recursive: true, force: true });
    return { code, signal: endSignal };
  };

  const url = await firstOf(ready, exited, options.readyMs ?? 15_000);
  if (url === undefined) {
    await stop('SIGKILL');
    throw new Error(`The gateway did not get ready\nstdout: ${written.stdout}\nstderr: ${written.stderr}`);
  }
  return {
    url,
    pid: child.pid!,
    configFile,
    dataDir,
    readyMs: performance.now() - startedAt,
    stdout: () => written.stdout,
    stderr: () => written.stderr,
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

/** Runs the compiled program to its end and returns what it wrote. */
export async function runSignalbox(
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string | undefined>>; readonly input?: string } = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: options.cwd, env: { ...process.env, ...options.env }, timeout: 60_000 });
  const written = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text));
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...written };
}

async function firstOf(ready: Promise<string>, exited: Promise<unknown>, timeoutMs: number): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), timeoutMs)));
  const first = await Promise.race([ready, exited.then(() => undefined), timeout]);
  clearTimeout(timer);
  return first;
}
