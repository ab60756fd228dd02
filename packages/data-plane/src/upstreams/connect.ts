import { GatewayError, resolveSecret, type Clock, type Implementation, type Logger } from '@signalbox/core';
import {
  openChannel,
  openHttp,
  openMemory,
  startChild,
  type ChildGuard,
  type ChannelConnectOptions,
  type RequestHandler,
} from '@signalbox/protocol';
import { childEnvironment, requireSecrets, resolveAll, type Environment } from './child-environment.ts';
import type { Opened, OpenOptions, UpstreamParts } from './upstream.ts';

export interface ConnectParts {
  /** Who we are towards upstreams. */
  readonly client: Implementation;
  /** The gateway's own environment, from which children get a short list and references are resolved. */
  readonly environment: Environment;
  /** Sees to it that no child outlives the gateway. */
  readonly guard: ChildGuard;
  /** Loads a module by package name or file. @throws when there is none. */
  readonly loadModule: (specifier: string) => Promise<RequestHandler>;
  /** Largest message accepted from an upstream, in bytes. */
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Returns what opens upstreams of all kinds, each as its configuration says. */
export function createOpen(parts: ConnectParts): UpstreamParts['open'] {
  return async (options) => {
    const { name, config } = options.desired;
    requireSecrets(name, config, parts.environment);
    if (config.command !== undefined) return await openStdio(parts, options, config.command);
    if (config.url !== undefined) return await openUrl(parts, options, config.url);
    return await openModule(parts, options, config.module!);
  };
}

async function openStdio(parts: ConnectParts, options: OpenOptions, command: string): Promise<Opened> {
  try {
    return await spawnAndOpen(parts, options, command, toConnectOptions(parts, options));
  } catch (error) {
    // Some servers end when the first thing they hear is not `initialize`. They get another process and a plain greeting.
    const isAfraid =
      error instanceof GatewayError && error.data?.['asked'] === 'server/discover' && options.desired.config.revision === 'auto';
    if (!isAfraid) throw error;
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
    cwd: config.cwd,
    spawnMs: config.timeouts.spawnMs,
    stopMs: config.timeouts.stopMs,
    maxMessageBytes: parts.maxMessageBytes,
    guard: parts.guard,
    onGarbage: connect.onAnomaly,
  });
  const stderr = () => child.stderr();
  options.onStderr(stderr);
  const connection = await openChannel(child.channel, { ...connect, describeFailure: () => describeChild(stderr()) });
  return { connection, pid: child.pid, stderr };
}

async function openUrl(parts: ConnectParts, options: OpenOptions, url: string): Promise<Opened> {
  const { config } = options.desired;
  const connection = await openHttp({
    ...toConnectOptions(parts, options),
    url: resolveSecret(url, parts.environment),
    headers: resolveAll(config.headers, parts.environment),
    connectMs: config.timeouts.spawnMs,
  });
  return { connection, pid: undefined, stderr: () => [] };
}

async function openModule(parts: ConnectParts, options: OpenOptions, specifier: string): Promise<Opened> {
  let handler: RequestHandler;
  try {
    handler = await parts.loadModule(specifier);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot load module "${specifier}": ${reason}`, {
      cause: error,
      data: { upstream: options.desired.name, phase: 'load', sent: false },
    });
  }
  const connection = await openMemory(handler, toConnectOptions(parts, options));
  return { connection, pid: undefined, stderr: () => [] };
}

function toConnectOptions(parts: ConnectParts, options: OpenOptions): ChannelConnectOptions {
  const { name, config } = options.desired;
  const logger = parts.logger.with({ upstream: name });
  return {
    upstream: name,
    client: parts.client,
    revision: config.revision,
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
