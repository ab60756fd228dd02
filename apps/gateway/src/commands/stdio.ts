import { loadConfig } from '@signalbox/control-plane';
import { serveStdio } from '@signalbox/protocol';
import { createGateway } from '../compose.ts';
import { createLogger } from '../log/create-logger.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { locateConfig, locateData } from './locations.ts';
import { watchProcess } from './process-end.ts';
import { openHandler } from './virtual-server.ts';

export interface StdioOptions {
  /** Serves this virtual server rather than everything. */
  readonly server?: string;
}

/** Serves one client over stdin and stdout with a gateway of its own, until that client leaves. */
export async function stdio(context: CommandContext, { server: name }: StdioOptions): Promise<ExitCode> {
  const configPath = await locateConfig(context);
  const dataDir = await locateData(context, configPath);
  const config = await loadConfig(configPath);
  const { level, maxBytes, keep } = config.log;
  // Another gateway may be writing the log file, and two writers would break its rotation.
  const logger = createLogger({ level, maxBytes, keep }, { dataDir, stderr: process.stderr });
  const gateway = await createGateway({ configPath, dataDir, environment: context.env, logger });
  const handler = await openHandler(gateway, name);
  const end = watchProcess({ gateway, logger, terminal: context.terminal });
  const { maxMessageBytes, maxDepth } = config.limits;
  const server = serveStdio({
    handler,
    seal: gateway.seal,
    input: process.stdin,
    output: process.stdout,
    limits: { maxMessageBytes, maxDepth },
    inputMs: config.sessions.inputSeconds * 1000,
    logger,
  });
  gateway.start();
  const reason = await Promise.race([server.closed, end.signal]);
  logger.info('ending', { reason });
  await server.close();
  await gateway.close();
  await logger.close();
  end.stop();
  return EXIT.ok;
}
