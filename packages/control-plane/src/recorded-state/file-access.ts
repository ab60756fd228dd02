import { GatewayError, toMessage, type Logger } from '@signalbox/core';
import type { ConfigFile } from './plan-change.ts';
import { readState } from './read-state.ts';

/** @throws GatewayError `INVALID_CONFIG` when there is no text to be had. */
export async function readText(file: ConfigFile): Promise<string> {
  let cause: unknown;
  try {
    const text = await file.read();
    if (text !== undefined) return text;
  } catch (error) {
    cause = error;
  }
  const message = cause === undefined ? 'there is no such file' : `cannot be read: ${toMessage(cause)}`;
  throw new GatewayError('INVALID_CONFIG', `Cannot use the configuration "${file.path}": ${message}`, {
    cause,
    data: { file: file.path, problems: [{ path: '', message }] },
  });
}

/** @returns the text, or `undefined` when there is none or it is no configuration. */
export async function readUsableText(file: ConfigFile): Promise<string | undefined> {
  const text = await file.read();
  try {
    if (text !== undefined) readState(text, file.path, []);
    return text;
  } catch {
    return undefined;
  }
}

/** @throws GatewayError `CONFLICT` when the file cannot be written, saying what else is possible. */
export async function writeText(file: ConfigFile, text: string, expected: string | undefined): Promise<string | undefined> {
  try {
    return await file.write(text, { expected });
  } catch (cause) {
    if (cause instanceof GatewayError) throw cause;
    const message = `Cannot write "${file.path}": ${toMessage(cause)}; change it by hand, or leave it out with "target" or "scope": "api"`;
    throw new GatewayError('CONFLICT', message, { cause, data: { path: file.path } });
  }
}

/** Puts a file back as it was before a change that could not be recorded. */
export async function restoreText(
  file: ConfigFile,
  { before, after, logger }: { readonly before: string | undefined; readonly after: string; readonly logger: Logger },
): Promise<void> {
  try {
    await file.write(before ?? '{}\n', { expected: after });
  } catch (error) {
    logger.error('Cannot put the configuration file back as it was', { file: file.path, error });
  }
}
