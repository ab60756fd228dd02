import { GatewayError, kindOf, resolveSecret, toMessage, type Clock, type Implementation, type Logger } from '@signalbox/core';
import {
  openChannel,
  openHttp,
  openHttpOrLegacySse,
  openLegacySse,
  openMemory,
  openWebSocket,
  startChild,
  type ChildGuard,
  type ChannelConnectOptions,
  type Connection,
  type HttpConnectOptions,
  type RequestHandler,
} from '@signalbox/protocol';
import { childEnvironment, requireSecrets, resolveAll, resolveDeep, type Environment } from './child-environment.ts';
import type { OpenConnection, Opened, OpenOptions } from './open-connection.ts';

export interface ConnectParts {
  /** Who we are towards upstreams. */
  readonly client: Implementation;
  /** The gateway's own environment, from which children get a short list and references are resolved. */
  readonly environment: Environment;
  /** Sees to it that no child outlives the gateway. */
  readonly guard: ChildGuard;
  readonly loadModule: LoadModule;
  /** Largest message accepted from an upstream, in bytes. */
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Loads a module by package name or file and makes it ready with its configuration. @throws when it cannot. */
export type LoadModule = (specifier: string, config: unknown) => Promise<LoadedModule>;

export interface LoadedModule {
  readonly handler: RequestHandler;
  /** Frees what the module holds. Called once, by the upstream that uses it. */
  close(): Promise<void>;
}

/** Returns what opens upstreams of all kinds, each as its configuration says. */
export function createOpen(parts: ConnectParts): OpenConnection {
  return async (options) => {
    const { name, config } = options.desired;
    requireSecrets(name, config, parts.environment);
    if (config.command !== undefined) return await openStdio(parts, options, config.command);
    const opening = config.url === undefined ? openModule(parts, options, config.module!) : openUrl(parts, options, config.url);
    return await whileWanted(opening, options, parts.logger);
  };
}

async function openStdio(parts: ConnectParts, options: OpenOptions, command: string): Promise<Opened> {
  try {
    return await spawnAndOpen(parts, options, command, toConnectOptions(parts, options));
  } catch (error) {
    // Some servers end when the first thing they hear is not `initialize`. They get another process and a plain greeting.
    const isAfraid =
      error instanceof GatewayError && error.data?.['asked'] === 'server/discover' && options.desired.config.revision === 'auto';
    if (!isAfraid || options.cancellation.isCancelled) throw error;
    return await spawnAndOpen(parts, options, command, { ...toConnectOptions(parts, options), revision: 'handshake' });
  }
}

async function spawnAndOpen(parts: ConnectParts, options: OpenOptions, command: string, connect: ChannelConnectOptions): Promise<Opened> {
  const { config } = options.desired;
  const child = await startChild({
    upstream: connect.upstream,
    command: resolveSecret(command, parts.environment),
    args: config.args.map((argument) => resolveSecret(argument, parts.environment)),
    env: childEnvironment(config, parts.environment),
    cwd: resolveSecret(config.cwd ?? '.', parts.environment),
    stopMs: config.timeouts.stopMs,
    maxMessageBytes: parts.maxMessageBytes,
    guard: parts.guard,
    clock: parts.clock,
    onGarbage: (text) => connect.onAnomaly?.(`it printed to stdout what is no MCP message: ${text}`),
  });
  const stderr = () => child.stderr();
  options.onStderr(stderr);
  const unwatch = options.cancellation.watch(() => void child.close());
  try {
    const connection = await openChannel(child, { ...connect, describeFailure: () => describeChild(stderr()) });
    return { connection, pid: child.pid, stderr };
  } finally {
    unwatch();
  }
}

async function openUrl(parts: ConnectParts, options: OpenOptions, url: string): Promise<Opened> {
  const { config } = options.desired;
  const connection = await openAddress(parts, options, {
    ...toConnectOptions(parts, options),
    url: resolveSecret(url, parts.environment),
    headers: resolveAll(config.headers, parts.environment),
    connectMs: config.timeouts.spawnMs,
  });
  return { connection, pid: undefined, stderr: () => [] };
}

function openAddress(parts: ConnectParts, { desired }: OpenOptions, connect: HttpConnectOptions): Promise<Connection> {
  const { name, config } = desired;
  switch (kindOf(config)) {
    case 'websocket':
      return openWebSocket({
        ...connect,
        onReopened: (reason) => parts.logger.info('connection to upstream made again', { upstream: name, reason }),
      });
    case 'sse':
      return openLegacySse(connect);
    default:
      return config.type === 'streamable-http' || config.type === 'streamableHttp' ? openHttp(connect) : openHttpOrLegacySse(connect);
  }
}

async function openModule(parts: ConnectParts, options: OpenOptions, specifier: string): Promise<Opened> {
  const { name, config } = options.desired;
  let loaded: LoadedModule;
  try {
    loaded = await parts.loadModule(specifier, resolveDeep(config.config, parts.environment));
  } catch (error) {
    throw new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot load module "${specifier}": ${toMessage(error)}`, {
      cause: error,
      data: { upstream: name, phase: 'load', sent: false },
    });
  }
  const connection = openMemory(loaded.handler, toConnectOptions(parts, options));
  const logger = parts.logger.with({ upstream: name });
  void connection.closed
    .then(() => loaded.close())
    .catch((error: unknown) => logger.warn('could not close the module', { error: toMessage(error) }));
  return { connection, pid: undefined, stderr: () => [] };
}

// Neither a request under way nor the loading of code can be taken back. Nobody waits for them, and what comes late is closed.
function whileWanted(opening: Promise<Opened>, { desired, cancellation }: OpenOptions, logger: Logger): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const unwatch = cancellation.watch((reason) => {
      reject(new GatewayError('CANCELLED', `Cannot open upstream "${desired.name}": ${reason}`, { data: { upstream: desired.name } }));
      opening
        .then(({ connection }) => connection.close())
        .catch((error: unknown) => logger.debug('an attempt nobody wanted failed', { upstream: desired.name, error: toMessage(error) }));
    });
    opening.then(resolve, reject).finally(unwatch);
  });
}

function toConnectOptions(parts: ConnectParts, options: OpenOptions): ChannelConnectOptions {
  const { name, config } = options.desired;
  const logger = parts.logger.with({ upstream: name });
  return {
    upstream: name,
    client: options.isolated?.info ?? parts.client,
    revision: options.isolated === undefined ? config.revision : 'handshake',
    ...(options.isolated && {
      capabilities: options.isolated.capabilities,
      ask: options.isolated.ask,
      onForgotten: options.isolated.onForgotten,
    }),
    ...(options.lastRevision === undefined ? {} : { lastRevision: options.lastRevision }),
    handshakeMs: config.timeouts.handshakeMs,
    maxMessageBytes: parts.maxMessageBytes,
    onNotification: options.onNotification,
    clock: parts.clock,
    onAnomaly: (text) => logger.warn('upstream misbehaves', { what: text }),
  };
}

function describeChild(stderr: readonly string[]): { readonly stderr?: readonly string[] } {
  return stderr.length === 0 ? {} : { stderr: stderr.slice(-5) };
}
