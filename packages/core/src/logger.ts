import type { Logger } from './ports.ts';

/** A logger that says nothing, for libraries and tests. */
export const silentLogger: Logger = {
  isDebug: false,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  fatal: () => undefined,
  with: () => silentLogger,
};
