import { Console } from 'node:console';
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { toMessage, type LogFields, type Logger, type Seal } from '@signalbox/core';
import { createHttpServer, serveStdio } from '@signalbox/protocol';
import { SEAL_KEY_BYTES, createSeal } from '@signalbox/security';
import type { Module, ModuleSource } from './module.ts';
import { createModuleHandler } from './module-handler.ts';
import { parseServeArguments, type ServeArguments } from './serve-arguments.ts';

export interface ServeOptions {
  /** Default `stdio`. The command line prevails: `--http [PORT]`, `--host NAME`, `--config JSON`. */
  readonly transport?: 'stdio' | 'http';
  /** Default 3000; 0 takes any free port. */
  readonly port?: number;
  /** Default `127.0.0.1`. Anything but loopback needs a `token`. */
  readonly host?: string;
  /** Bearer token every HTTP request must carry. */
  readonly token?: string;
  /** Configuration for modules that take one. */
  readonly config?: unknown;
  /**
   * `import.meta.url` of the calling file. With it, nothing is served unless that file is the one Node was started
   * with, so that the same file can be mounted in the gateway.
   */
  readonly entry?: string;
  /** The script and its arguments. Default: those of the process. */
  readonly argv?: readonly string[];
  /** Where stdio is spoken and logs go. Default: the streams of the process. */
  readonly streams?: { readonly input: Readable; readonly output: Writable; readonly log: Writable };
}

/** A module being served. */
export interface Served {
  /** `none` when the file was imported rather than started. */
  readonly transport: 'stdio' | 'http' | 'none';
  /** Where MCP is spoken, for HTTP. */
  readonly url: string | undefined;
  /** Resolves with the reason once nothing is served any more. Never rejects. */
  readonly closed: Promise<string>;
  /** Ends serving and frees what the module opened. Idempotent. */
  close(): Promise<void>;
}

/**
 * Serves a module alone, over stdio or Streamable HTTP, to clients of every revision.
 * Over stdio, what the module writes to the console goes to stderr, since stdout belongs to the protocol.
 * @throws GatewayError `INVALID_CONFIG` for arguments, configuration or a host that cannot be used; `CONFLICT` when the port is taken.
 */
export async function serve(source: ModuleSource, options: ServeOptions = {}): Promise<Served> {
  const [script, ...rest] = options.argv ?? process.argv.slice(1);
  if (options.entry !== undefined && !isEntry(options.entry, script)) return NOT_SERVED;
  const given = parseServeArguments(rest);
  const log = options.streams?.log ?? process.stderr;
  if ((given.transport ?? options.transport ?? 'stdio') === 'stdio') {
    if (options.streams === undefined) globalThis.console = new Console(process.stderr, process.stderr);
    return serveOverStdio(await source.create(given.config ?? options.config), options, createLogger(log));
  }
  const module = await source.create(given.config ?? options.config);
  try {
    const served = await serveOverHttp(module, { ...options, ...given }, createLogger(log));
    log.write(`${module.name} listens on ${served.url}\n`);
    return served;
  } catch (error) {
    await module.close();
    throw error;
  }
}

const NOT_SERVED: Served = {
  transport: 'none',
  url: undefined,
  closed: Promise.resolve('Imported, not started'),
  close: () => Promise.resolve(),
};
const LIMITS = { maxMessageBytes: 4_194_304, maxDepth: 64 } as const;
const SESSIONS = { idleSeconds: 1800, max: 1000, maxAgeSeconds: 604_800 } as const;
const DEFAULT_PORT = 3000;
const GRACE_MS = 2000;

// Node resolves links in the path of the script it starts, so ours are resolved too.
function isEntry(entry: string, script: string | undefined): boolean {
  if (script === undefined) return false;
  const path = fileURLToPath(entry);
  if (path === script) return true;
  try {
    return realpathSync(script) === path;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function serveOverStdio(module: Module, options: ServeOptions, logger: Logger): Served {
  const { input = process.stdin, output = process.stdout } = options.streams ?? {};
  const server = serveStdio({
    handler: createModuleHandler(module, { logger }),
    seal: createOwnSeal(),
    input,
    output,
    limits: LIMITS,
    logger,
  });
  const closed = server.closed.then(async (reason) => {
    await closeModule(module, logger);
    return reason;
  });
  async function close(): Promise<void> {
    await server.close();
    await closed;
  }
  return { transport: 'stdio', url: undefined, closed, close };
}

async function serveOverHttp(module: Module, options: ServeOptions & ServeArguments, logger: Logger): Promise<Served> {
  const { port = DEFAULT_PORT, host, token } = options;
  const server = createHttpServer({
    handler: createModuleHandler(module, { logger }),
    seal: createOwnSeal(),
    port,
    limits: LIMITS,
    sessions: SESSIONS,
    logger,
    ...(host === undefined ? {} : { host }),
    ...(token === undefined ? {} : { guard: { token } }),
  });
  const { url } = await server.listen();
  let finish: (reason: string) => void = () => undefined;
  const closed = new Promise<string>((resolve) => (finish = resolve));
  let closing: Promise<void> | undefined;
  async function close(): Promise<void> {
    await server.close(GRACE_MS);
    await closeModule(module, logger);
    finish('We closed it');
  }
  return { transport: 'http', url, closed, close: () => (closing ??= close()) };
}

// What is sealed need not outlive the process: it is about calls that end with it.
function createOwnSeal(): Seal {
  return createSeal({ key: randomBytes(SEAL_KEY_BYTES) });
}

async function closeModule(module: Module, logger: Logger): Promise<void> {
  try {
    await module.close();
  } catch (error) {
    logger.error(`Module "${module.name}" did not close`, { error: toMessage(error) });
  }
}

// One line per entry: hosts show a server's stderr to people.
function createLogger(log: Writable, fields: LogFields = {}): Logger {
  const write = (level: string) => (message: string, more?: LogFields) => {
    const all = { ...fields, ...more };
    log.write(`${level} ${message}${Object.keys(all).length === 0 ? '' : ` ${JSON.stringify(all)}`}\n`);
  };
  return {
    isDebug: false,
    debug: () => undefined,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    with: (more) => createLogger(log, { ...fields, ...more }),
  };
}
