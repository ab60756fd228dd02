import { GatewayError } from '@signalbox/core';

/** What the command line of a served module may say. */
export interface ServeArguments {
  readonly transport?: 'stdio' | 'http';
  readonly port?: number;
  readonly host?: string;
  readonly config?: unknown;
}

const USAGE = 'known are --stdio, --http [PORT], --host NAME and --config JSON';

/** Reads the arguments after the script. @throws GatewayError `INVALID_CONFIG` for one it does not know or cannot read. */
export function parseServeArguments(args: readonly string[]): ServeArguments {
  let parsed: ServeArguments = {};
  for (let index = 0; index < args.length; index++) {
    const name = args[index]!;
    const value = args[index + 1];
    if (name === '--stdio') parsed = { ...parsed, transport: 'stdio' };
    else if (name === '--http') {
      parsed = { ...parsed, transport: 'http' };
      if (value === undefined || value.startsWith('--')) continue;
      parsed = { ...parsed, port: parsePort(value) };
      index++;
    } else if (name === '--host' && value !== undefined) {
      parsed = { ...parsed, host: value };
      index++;
    } else if (name === '--config' && value !== undefined) {
      parsed = { ...parsed, config: parseConfig(value) };
      index++;
    } else throw new GatewayError('INVALID_CONFIG', `Cannot understand "${name}"; ${USAGE}`);
  }
  return parsed;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new GatewayError('INVALID_CONFIG', `Cannot listen on port "${text}": a port is a number from 0 to 65535`);
  return port;
}

function parseConfig(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new GatewayError('INVALID_CONFIG', 'Cannot read the value of "--config": it is not JSON', { cause: error });
  }
}
