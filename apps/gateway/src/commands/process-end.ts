import { constants } from 'node:os';
import { toMessage, type Logger } from '@signalbox/core';
import type { Gateway } from '../gateway.ts';
import type { Terminal } from '../terminal/terminal.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const LAST_WORDS_MS = 5_000;

export interface ProcessEnd {
  /** Resolves with the name of the first signal that asks the process to end. A second signal ends it at once. */
  readonly signal: Promise<NodeJS.Signals>;
  stop(): void;
}

export interface ProcessParts {
  readonly gateway: Pick<Gateway, 'close'>;
  readonly logger: Logger & { close(): Promise<void> };
  readonly terminal: Terminal;
}

/** Watches for what ends the process: signals, and errors nobody has caught, which are told and logged before all upstreams are stopped. */
export function watchProcess({ gateway, logger, terminal }: ProcessParts): ProcessEnd {
  let isEnding = false;
  let reportSignal!: (signal: NodeJS.Signals) => void;
  const signal = new Promise<NodeJS.Signals>((resolve) => (reportSignal = resolve));

  const onSignal = (name: NodeJS.Signals) => {
    if (isEnding) process.exit(128 + constants.signals[name]);
    isEnding = true;
    reportSignal(name);
  };
  const lastSteps = async () => {
    await gateway.close(0);
    await logger.close();
  };
  const onError = (failure: unknown) => {
    logger.fatal(`Unexpected error: ${toMessage(failure)}`, { error: failure });
    // The log may go to a file, and nobody looks there when a program is suddenly gone.
    terminal.note(`${terminal.notePaint.red('Error:')} Unexpected error, stopping: ${toMessage(failure)}`);
    const exit = () => process.exit(1);
    setTimeout(exit, LAST_WORDS_MS).unref();
    void lastSteps().then(exit, exit);
  };

  for (const name of SIGNALS) process.on(name, onSignal);
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
  return {
    signal,
    stop: () => {
      for (const name of SIGNALS) process.off(name, onSignal);
      process.off('uncaughtException', onError);
      process.off('unhandledRejection', onError);
    },
  };
}
