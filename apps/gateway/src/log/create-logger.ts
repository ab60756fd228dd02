import { isAbsolute, join } from 'node:path';
import { GatewayError, type GatewayLogLevel, type LogConfig, type LogFields, type Logger } from '@signalbox/core';
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { createFileDestination } from './file-destination.ts';
import { toPrettyLine } from './pretty-line.ts';
import { redactFields } from './redact-fields.ts';

/** How the log is written, whatever goes into it. */
export type LogFileConfig = Omit<LogConfig, 'calls'>;

export interface LoggerOptions {
  /** Where relative log files lie; `undefined` when the gateway has no data folder. */
  readonly dataDir: string | undefined;
  /** The process's stderr. A terminal gets lines for people, everything else JSON. */
  readonly stderr: { readonly fd: number; readonly isTTY?: boolean };
  /** Takes lines meant for the file, in a process that does not write it itself. */
  readonly send?: (line: string) => void;
}

/** The gateway's own log. Whoever creates it closes it. */
export interface GatewayLogger extends Logger {
  /** Waits until everything is written. Lines logged later go to stderr. */
  close(): Promise<void>;
  /** Writes a line that another process has made for this log. */
  writeLine(line: string): void;
}

/**
 * Writes one JSON object a line (`level`, `time`, `msg`, fields) to stderr or to a rotated file, never to stdout.
 * Lines on stderr are written before the call returns; those to a file at the latest when the process exits or logs a `fatal`.
 * A file that cannot be written is given up for stderr, and stderr is told. Fields named like secrets read `[redacted]`.
 * @throws GatewayError `INVALID_CONFIG` when the file is relative and there is no data folder.
 */
export function createLogger(config: LogFileConfig, { dataDir, stderr, send }: LoggerOptions): GatewayLogger {
  const toStderr = createStderrDestination(stderr);
  const isSent = config.file !== undefined && send !== undefined;
  const file = config.file === undefined || isSent ? undefined : openFile({ ...config, file: config.file }, dataDir, toStderr);
  const logger = pino(
    {
      level: config.level,
      base: null,
      timestamp: createTimestamp(),
      formatters: { level: (level) => ({ level }) },
      hooks: { streamWrite: toOneLine },
    },
    isSent ? { write: send } : (file ?? toStderr),
  );
  const destination: DestinationStream = file ?? toStderr;
  return { ...adapt(logger), close: async () => file?.close(), writeLine: (line) => destination.write(line) };
}

function adapt(logger: PinoLogger): Logger {
  const write = (level: GatewayLogLevel) => (message: string, fields?: LogFields) => {
    if (!logger.isLevelEnabled(level)) return;
    if (fields === undefined) logger[level](message);
    else logger[level](redactFields(fields), message);
  };
  return {
    isDebug: logger.isLevelEnabled('debug'),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    fatal: write('fatal'),
    with: (fields) => adapt(logger.child(redactFields(fields))),
  };
}

// Lines come many in a second, and to write a date is a fourth of what a line costs.
function createTimestamp(): () => string {
  let second = Number.NaN;
  let prefix = '';
  return () => {
    const now = Date.now();
    const current = Math.floor(now / 1_000);
    if (current !== second) {
      second = current;
      prefix = `,"time":"${new Date(now).toISOString().slice(0, -4)}`;
    }
    return `${prefix}${String(now - second * 1_000).padStart(3, '0')}Z"`;
  };
}

// JSON leaves these as they are, and there are readers to whom they end a line or begin a command.
const UNSAFE = /[\u007f-\u009f\u2028\u2029]/;
const ALL_UNSAFE = new RegExp(UNSAFE, 'g');

function toOneLine(line: string): string {
  if (!UNSAFE.test(line)) return line;
  return line.replaceAll(ALL_UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function createStderrDestination({ fd, isTTY = false }: LoggerOptions['stderr']): DestinationStream {
  const destination = pino.destination({ fd, sync: true });
  // Whoever reads our stderr may be gone. There is nowhere left to say so, and it is no reason to end.
  destination.on('error', () => undefined);
  return isTTY ? { write: (line) => void destination.write(toPrettyLine(line)) } : destination;
}

function openFile(
  { file, maxBytes, keep }: LogFileConfig & { readonly file: string },
  dataDir: string | undefined,
  toStderr: DestinationStream,
) {
  if (!isAbsolute(file) && dataDir === undefined) {
    throw new GatewayError('INVALID_CONFIG', `Cannot log to "${file}": it is relative to the data folder, and there is none`);
  }
  return createFileDestination({ path: isAbsolute(file) ? file : join(dataDir ?? '', file), maxBytes, keep, fallback: toStderr });
}
