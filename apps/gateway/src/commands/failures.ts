import { GatewayError } from '@signalbox/core';
import { EXIT, type ExitCode } from './exit-code.ts';

/** The command line asks for something that makes no sense. @param hint What to type instead. */
export function usageError(message: string, hint?: string): GatewayError {
  return new GatewayError('INVALID_PARAMS', message, { data: { ...(hint !== undefined && { hint }) } });
}

/** What the command works on is not there. @param hint What to do about it. */
export function nothingFound(message: string, hint?: string): GatewayError {
  return new GatewayError('NOT_FOUND', message, { data: { ...(hint !== undefined && { hint }) } });
}

/** It was tried and failed. Keeps the code of its cause. @param options.hint What to do about it. */
export function commandFailure(message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}): GatewayError {
  const { hint, cause } = options;
  const isKept = cause instanceof GatewayError && exitCodeOf(cause) === EXIT.failed;
  return new GatewayError(isKept ? cause.code : 'UPSTREAM_UNAVAILABLE', message, { cause, data: { ...(hint !== undefined && { hint }) } });
}

/** The exit code that stands for an error. */
export function exitCodeOf(error: unknown): ExitCode {
  if (!(error instanceof GatewayError)) return EXIT.failed;
  switch (error.code) {
    case 'INVALID_PARAMS':
      return EXIT.usage;
    case 'NOT_FOUND':
    case 'UNKNOWN_NAME':
      return EXIT.nothing;
    default:
      return EXIT.failed;
  }
}
