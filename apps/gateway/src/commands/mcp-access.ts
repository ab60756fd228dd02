import { loadConfig } from '@signalbox/control-plane';
import {
  Cancellation,
  GatewayError,
  LOCAL_PRINCIPAL,
  isObject,
  silentLogger,
  systemClock,
  type GatewayConfig,
  type Notification,
  type RawJson,
  type RpcError,
} from '@signalbox/core';
import { MODERN_REVISION, openHttp, openMemory, toParams, type Connection } from '@signalbox/protocol';
import type { Gateway } from '../gateway.ts';
import { toSafeLine } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { commandFailure, nothingFound, usageError } from './failures.ts';
import { locateConfig, locateData } from './locations.ts';
import { findRunning, type RunningGateway } from './running-gateway.ts';
import { failureDetails, reasonText } from './upstream-line.ts';
import { openHandler, requireServer } from './virtual-server.ts';

const CLIENT = { name: 'signalbox-command', version: '1' };
const CONNECT_MS = 10_000;
const SETTLE_MS = 30_000;
const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;
const INTERRUPTED = 130;

export interface AskOptions {
  /** Longest wait for the answer, in milliseconds; progress starts it anew. */
  readonly timeoutMs: number;
  readonly onProgress?: (notification: Notification) => void;
}

/** A way to use the gateway as its clients do. Whoever opened it closes it. */
export interface McpAccess {
  /** Where the answers come from. */
  readonly source: 'running' | 'in-process' | 'url';
  /** Configuration and data folder of that gateway; `undefined` for an address. */
  readonly place: { readonly configPath: string; readonly dataDir: string } | undefined;
  /** The result of a request. @throws GatewayError when the server refuses or cannot be asked. */
  ask(method: string, params: Readonly<Record<string, unknown>>, options: AskOptions): Promise<RawJson>;
  /** Waits until every upstream of a gateway started for this command is ready or has failed, and says which failed. */
  settle(): Promise<void>;
  close(): Promise<void>;
}

/** Which server to reach. */
export interface McpChoice {
  /** The one at this address. */
  readonly url?: string | undefined;
  /** A virtual server of the gateway, rather than everything. */
  readonly server?: string | undefined;
}

/**
 * Reaches the gateway: the one at `url`, else the one that runs, else one started in this process for as long as the command takes.
 * Ctrl-C ends it and the process.
 */
export async function openMcp(context: CommandContext, { url: address, server }: McpChoice): Promise<McpAccess> {
  if (address !== undefined && server !== undefined)
    throw usageError(
      '--server chooses a virtual server of the configuration, and --url leads elsewhere',
      'Give the whole address of the virtual server with --url',
    );
  if (address !== undefined) return openUrl(context, address);
  const configPath = await locateConfig(context);
  const dataDir = await locateData(context, configPath);
  const config = await loadConfig(configPath);
  const running = await findRunning(dataDir);
  if (running !== undefined && typeof running.runtime.url === 'string') {
    const url = addressOf(running.runtime.url, running, server);
    const connection = await connect(url, requireToken(context, config));
    return toAccess(connection, {
      source: 'running',
      place: { configPath, dataDir },
      close: () => connection.close(),
      settle: () => Promise.resolve(),
    });
  }
  return openInProcess(context, { configPath, dataDir, server });
}

function addressOf(url: string, { status }: RunningGateway, server: string | undefined): string {
  if (server === undefined) return url;
  const known = status.virtualServers.map(({ name }) => name);
  const { path } = requireServer(status.virtualServers[known.indexOf(server)], server, known);
  return new URL(path, url).href;
}

async function openUrl({ env }: CommandContext, url: string): Promise<McpAccess> {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw usageError(`"${url}" is not an http:// or https:// address`);
  const connection = await connect(url, env['SIGNALBOX_TOKEN']);
  return toAccess(connection, { source: 'url', place: undefined, close: () => connection.close(), settle: () => Promise.resolve() });
}

async function openInProcess(
  context: CommandContext,
  { configPath, dataDir, server }: { readonly configPath: string; readonly dataDir: string; readonly server: string | undefined },
): Promise<McpAccess> {
  const { createGateway } = await import('../compose.ts');
  const gateway = await createGateway({
    configPath,
    dataDir,
    environment: context.env,
    logger: await createCommandLogger(context, dataDir),
  });
  const handler = await openHandler(gateway, server);
  gateway.start();
  const connection = openMemory(handler, { upstream: 'signalbox', onNotification: () => undefined, clock: systemClock });
  return toAccess(connection, {
    source: 'in-process',
    place: { configPath, dataDir },
    settle: async () => {
      await gateway.settled(SETTLE_MS);
      reportFailed(context, gateway);
    },
    close: async () => {
      await connection.close();
      await gateway.close(0);
    },
  });
}

// The command itself says what failed, so the log of its own gateway is of use only to whoever looks for a fault.
async function createCommandLogger({ options }: CommandContext, dataDir: string) {
  if (options.debug !== true) return silentLogger;
  const { createLogger } = await import('../log/create-logger.ts');
  return createLogger({ level: 'debug', maxBytes: 1024 * 1024, keep: 1 }, { dataDir, stderr: process.stderr });
}

function reportFailed({ terminal }: CommandContext, gateway: Gateway): void {
  const paint = terminal.notePaint;
  for (const upstream of gateway.status.upstreams()) {
    if (upstream.state === 'failed') {
      terminal.note(`${paint.red('✗')} ${upstream.name} failed: ${reasonText(upstream)}`);
      for (const line of failureDetails(upstream, paint)) terminal.note(`  ${line}`);
    } else if (upstream.state !== 'ready' && upstream.state !== 'stopped')
      terminal.note(`${paint.yellow('…')} ${upstream.name} is still ${upstream.state}`);
  }
}

function requireToken({ env }: CommandContext, { listen }: GatewayConfig): string | undefined {
  if (listen.token === undefined) return undefined;
  const token = env[listen.token.env] ?? env['SIGNALBOX_TOKEN'];
  if (token !== undefined && token !== '') return token;
  throw nothingFound(
    `Cannot ask the running gateway: it wants a token, and the environment variable "${listen.token.env}" is not set here`,
    'Set it as it is set for the gateway',
  );
}

async function connect(url: string, token: string | undefined): Promise<Connection> {
  try {
    return await openHttp({
      upstream: url,
      url,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      client: CLIENT,
      revision: 'auto',
      connectMs: CONNECT_MS,
      handshakeMs: CONNECT_MS,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      onNotification: () => undefined,
    });
  } catch (cause) {
    const reason = cause instanceof GatewayError ? cause.message.replace(/^Cannot [^"]*"[^"]*": /, '') : String(cause);
    const hint = /\b401\b|token|unauthenticated/i.test(reason)
      ? 'It wants a token: set SIGNALBOX_TOKEN to it'
      : 'Check the address; "signalbox status" shows that of the running gateway';
    throw commandFailure(`Cannot reach an MCP server at "${url}": ${reason}`, { cause, hint });
  }
}

type AccessParts = Pick<McpAccess, 'source' | 'place' | 'settle' | 'close'>;

function toAccess(connection: Connection, parts: AccessParts): McpAccess {
  const cancellation = new Cancellation();
  const client = { revision: MODERN_REVISION, info: CLIENT, capabilities: {}, logLevel: 'off' } as const;
  const interrupt = () => {
    cancellation.cancel('interrupted');
    parts.close().then(
      () => process.exit(INTERRUPTED),
      () => process.exit(INTERRUPTED),
    );
  };
  process.once('SIGINT', interrupt);
  return {
    ...parts,
    close: async () => {
      process.off('SIGINT', interrupt);
      await parts.close();
    },
    ask: async (method, params, { timeoutMs, onProgress }) => {
      try {
        const outcome = await connection.request({
          method,
          params: toParams(params),
          client,
          principal: LOCAL_PRINCIPAL,
          cancellation,
          timeoutMs,
          emit: onProgress,
          wantsProgress: onProgress !== undefined,
        });
        if (outcome.kind === 'result') return outcome.result;
        throw refusal(outcome.error);
      } catch (error) {
        throw error instanceof GatewayError ? toAnswerError(error) : error;
      }
    },
  };
}

// What a server refuses was understood here, so it is a failure of the call and not of the command line.
function toAnswerError(error: GatewayError): GatewayError {
  if (error.code !== 'INVALID_PARAMS') return error;
  return new GatewayError('INVALID_REQUEST', error.message, { cause: error, ...(error.data && { data: error.data }) });
}

function refusal({ code, message, data }: RpcError): GatewayError {
  const isUnknown = isObject(data) && data['reason'] === 'UNKNOWN_NAME';
  return new GatewayError(isUnknown ? 'UNKNOWN_NAME' : 'UPSTREAM_PROTOCOL', toSafeLine(message), {
    data: { ...(isObject(data) && data), rpcCode: code },
  });
}
