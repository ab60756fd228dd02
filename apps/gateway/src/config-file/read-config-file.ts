import { readFile } from 'node:fs/promises';
import { GatewayError, toMessage } from '@signalbox/core';
import { parseConfigText, type ParsedText } from './config-text.ts';

export interface ConfigFile extends ParsedText {
  readonly path: string;
  readonly text: string;
}

/**
 * Reads a configuration file: its text, what it says, and its syntax errors with line, column and what to do.
 * @throws GatewayError `INVALID_CONFIG` when the file cannot be read at all.
 */
export async function readConfigFile(path: string): Promise<ConfigFile> {
  const text = await readText(path);
  return { path, text, ...parseConfigText(text) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const reason = isMissing(cause) ? 'there is no such file; "signalbox add" or "signalbox import" creates one' : toMessage(cause);
    throw new GatewayError('INVALID_CONFIG', `Cannot read the configuration "${path}": ${reason}`, { cause, data: { path } });
  }
}

/** Whether an error of the file system says that nothing is there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
