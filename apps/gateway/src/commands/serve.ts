import { loadConfig } from '@signalbox/control-plane';
import { Cancellation, GatewayError, toMessage, type GatewayConfig } from '@signalbox/core';
import { startWarmUp } from '../start-warm-up.ts';
import { boundYoungSpace, compileSooner } from '../tune-engine.ts';
import { createGateway } from '../compose.ts';
import type { Gateway } from '../gateway.ts';
import { clientSnippets } from '../import/client-snippets.ts';
import { createLogger } from '../log/create-logger.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { WORKER_VARIABLE } from '../workers/messages.ts';
import { toAddress } from './import.ts';
import { locateConfig, locateData } from './locations.ts';
import { watchProcess } from './process-end.ts';
import { findRunning } from './running-gateway.ts';
import { watchUpstreams } from './watch-upstreams.ts';

export interface ServeOptions {
  readonly port?: number;
  readonly host?: string;
  readonly workers?: number;
}

// Long enough for most servers to be up, short enough that someone who waits for it is not kept.
const SNIPPETS_AFTER_MS = 3_000;
const SHOWN_CLIENTS = new Set(['claude-code', 'claude-desktop', 'vscode', 'cursor']);

/** Starts the gateway, says where it listens and how its upstreams are, and serves until a signal ends it. */
export async function serve(context: CommandContext, options: ServeOptions): Promise<ExitCode> {
  boundYoungSpace();
  const { port, host } = options;
  const startedAtMs = Date.now();
  const { terminal, env } = context;
  const configPath = await locateConfig(context);
  const dataDir = await locateData(context, configPath);
  const config = await loadConfig(configPath);
  if (context.env[WORKER_VARIABLE] !== undefined) {
    const { serveAsWorker } = await import('../workers/serve-as-worker.ts');
    return serveAsWorker(context, { configPath, dataDir, config });
  }
  const workers = options.workers ?? config.listen.workers;
  const other = await findRunning(dataDir);
  const logger = createLogger(config.log, { dataDir, stderr: process.stderr });
  const own = workers === 1 ? await createGateway({ configPath, dataDir, environment: env, logger, port, host }) : undefined;
  const gateway =
    own ??
    (await import('../workers/create-workers.ts')).createWorkers({
      count: workers,
      configPath,
      dataDir,
      logger,
      terminal,
      port: port ?? config.listen.port,
      host: host ?? config.listen.host,
    });
  const end = watchProcess({ gateway, logger, terminal: context.terminal });
  const listening = listen(gateway, { host: host ?? config.listen.host, port: port ?? config.listen.port });
  const ready = await Promise.race([listening, end.signal]);
  if (typeof ready === 'string') {
    // Nobody is served yet, so there is nothing to wait for.
    listening.catch((error: unknown) => logger.debug('could not listen before the end', { error: toMessage(error) }));
    await gateway.close(0);
    await logger.close();
    end.stop();
    return EXIT.ok;
  }
  const { url } = ready;
  boundYoungSpace();
  compileSooner();

  if (terminal.isJson) terminal.event({ event: 'ready', url });
  else terminal.line(`Signalbox ready at ${url}`);
  if (other !== undefined)
    terminal.note(
      `Another gateway (process ${other.runtime.pid}) uses the same data folder; commands now reach this one. Give each its own with --data`,
    );

  const watching = watchUpstreams({ terminal, status: gateway.status, startedAtMs });
  const timer = setTimeout(showSnippets, SNIPPETS_AFTER_MS);
  let isShown = false;
  function showSnippets(): void {
    if (isShown) return;
    isShown = true;
    clearTimeout(timer);
    printSnippets(context, { url, configPath, config });
  }
  void watching.settled.then(showSnippets);

  const warming = new Cancellation();
  const isWarm = own === undefined ? Promise.resolve() : startWarmUp({ gateway: own, logger, end: warming }, env);

  const signal = await end.signal;
  warming.cancel('the gateway ends');
  isShown = true;
  clearTimeout(timer);
  watching.stop();
  if (terminal.isJson) terminal.event({ event: 'stopping', signal });
  else terminal.line('Stopping; once more ends it at once');
  const { graceSeconds, delaySeconds } = config.listen.drain;
  await gateway.close(graceSeconds * 1000, delaySeconds * 1000);
  await isWarm;
  await logger.close();
  if (terminal.isJson) terminal.event({ event: 'stopped' });
  end.stop();
  return EXIT.ok;
}

async function listen(
  gateway: Served,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<{ readonly url: string }> {
  try {
    return await gateway.listen();
  } catch (error) {
    await gateway.close(0);
    if (!(error instanceof GatewayError) || error.code !== 'CONFLICT') throw error;
    throw new GatewayError('CONFLICT', `Cannot listen on port ${port} of ${host}: another program does`, {
      cause: error,
      data: {
        port,
        host,
        hint: 'Choose another with --port or "listen.port", or take any free one with --port 0; "signalbox status" tells whether a gateway runs already',
      },
    });
  }
}

type Served = Pick<Gateway, 'listen' | 'close'>;

interface Serving {
  readonly url: string;
  readonly configPath: string;
  readonly config: GatewayConfig;
}

function printSnippets({ terminal }: CommandContext, { url, configPath, config }: Serving): void {
  const snippets = clientSnippets(toAddress(url, configPath));
  if (terminal.isJson) return terminal.event({ event: 'snippets', snippets });
  const { paint } = terminal;
  terminal.line();
  terminal.line('Connect your clients:');
  for (const { client, how, text } of snippets.filter(({ id }) => SHOWN_CLIENTS.has(id))) {
    terminal.line();
    terminal.line(`${paint.bold(client)}  ${paint.dim(how)}`);
    for (const line of text.split('\n')) terminal.line(`  ${line}`);
  }
  terminal.line();
  if (config.listen.token !== undefined)
    terminal.line(`Each client must send the header "Authorization: Bearer <token>" with the value of ${config.listen.token.env}.`);
  terminal.line('Or let "signalbox import --connect" add it to every client it finds. Ctrl-C ends the gateway.');
}
