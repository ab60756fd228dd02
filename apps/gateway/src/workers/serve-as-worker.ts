import { Cancellation, GatewayError, toGatewayError, toMessage, type GatewayConfig } from '@signalbox/core';
import type { CommandContext } from '../commands/context.ts';
import { EXIT, type ExitCode } from '../commands/exit-code.ts';
import { startWarmUp } from '../start-warm-up.ts';
import { boundYoungSpace, compileSooner } from '../tune-engine.ts';
import { createGateway } from '../compose.ts';
import { createLogger } from '../log/create-logger.ts';
import { sayEveryEnd } from './channel-end.ts';
import type { Order, Report, Setup } from './messages.ts';
import { WorkerPart } from './worker-part.ts';

/** How long the first worker may let the others wait for what its servers offer, in milliseconds. */
const SETTLE_MS = 5_000;
const LAST_WORDS_MS = 5_000;

export interface WorkerOptions {
  readonly configPath: string;
  readonly dataDir: string;
  readonly config: GatewayConfig;
}

/** Serves as one of several workers, until the process that started it says so or is gone. */
export async function serveAsWorker({ env, terminal }: CommandContext, options: WorkerOptions): Promise<ExitCode> {
  const { configPath, dataDir, config } = options;
  if (process.send === undefined)
    throw new GatewayError('INVALID_CONFIG', 'Cannot serve as a worker: start the gateway with "signalbox serve --workers"');
  // At the end of its channel a worker ends, which cluster sees to.
  sayEveryEnd(process);
  // Whoever started us tells us when to end; a signal to the whole group is for it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  const logger = createLogger(config.log, { dataDir, stderr: process.stderr, send: (line) => send({ kind: 'log', line }) });
  // While it opens what it needs it serves nobody, and whatever it waits for may be long in coming.
  const orders = takeOrders(() => void logger.close().finally(() => process.exit(EXIT.ok)));
  send({ kind: 'hello' });
  const setup = await orders.setup;
  const ownLog = logger.with({ worker: setup.slot + 1 });
  const worker = new WorkerPart({ setup, send, logger: ownLog });
  const { port, host } = setup;
  try {
    const gateway = await createGateway({ configPath, dataDir, environment: env, logger: ownLog, port, host, worker });
    const onError = (failure: unknown) => {
      ownLog.fatal(`Unexpected error: ${toMessage(failure)}`, { error: failure });
      terminal.note(`Error: unexpected error in a worker, starting another: ${toMessage(failure)}`);
      const exit = () => process.exit(1);
      setTimeout(exit, LAST_WORDS_MS).unref();
      void gateway.close(0).then(exit, exit);
    };
    process.on('uncaughtException', onError);
    process.on('unhandledRejection', onError);
    const stopped = orders.follow(worker);
    await gateway.listen();
    boundYoungSpace();
    compileSooner();
    if (worker.isLeader) void gateway.settled(SETTLE_MS).then(() => send({ kind: 'settled' }));
    const warming = new Cancellation();
    const isWarm = startWarmUp({ gateway, logger: ownLog, end: warming }, env);
    const { graceMs, delayMs } = await stopped;
    warming.cancel('the gateway ends');
    await gateway.close(graceMs, delayMs);
    await isWarm;
  } catch (error) {
    const { code, message } = toGatewayError(error);
    send({ kind: 'failed', code, message });
    return EXIT.failed;
  }
  await logger.close();
  return EXIT.ok;
}

function send(report: Report, handle?: object): void {
  if (!process.connected) return;
  const close = () => (handle as { close(): void } | undefined)?.close();
  process.send!(report, handle as never, {}, close);
}

interface Orders {
  readonly setup: Promise<Setup>;
  /** Has all orders followed. @returns the one to end. */
  follow(worker: WorkerPart): Promise<Extract<Order, { readonly kind: 'stop' }>>;
}

/** Orders that come before there is anyone to follow them wait, but for the one to end. */
function takeOrders(onEarlyEnd: () => void): Orders {
  const waiting: (readonly [order: Order, handle: object | undefined])[] = [];
  let reportSetup!: (setup: Setup) => void;
  let take = (order: Order, handle: object | undefined): void => {
    if (order.kind === 'setup') reportSetup(order);
    else if (order.kind === 'stop') onEarlyEnd();
    else waiting.push([order, handle]);
  };
  const setup = new Promise<Setup>((resolve) => (reportSetup = resolve));
  process.on('message', (order: Order, handle: object | undefined) => take(order, handle));
  return {
    setup,
    follow: (worker) =>
      new Promise((resolve) => {
        take = (order, handle) => {
          if (order.kind === 'stop') {
            worker.stop();
            resolve(order);
          } else worker.follow(order, handle);
        };
        for (const each of waiting.splice(0)) take(...each);
      }),
  };
}
