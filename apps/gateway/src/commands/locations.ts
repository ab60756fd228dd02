import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { configHome, defaultConfigFile, findConfigFile } from '../config-file/find-config-file.ts';
import { isMissing } from '../config-file/read-config-file.ts';
import type { CommandContext } from './context.ts';
import { nothingFound } from './failures.ts';

/** The configuration file a command works on. @throws GatewayError `NOT_FOUND` when there is none, saying where it was looked for. */
export async function locateConfig(context: CommandContext): Promise<string> {
  const { cwd, options } = context;
  if (options.config !== undefined) return requireFile(resolve(cwd, options.config));
  const found = await findConfigFile(context);
  if (found !== undefined) return found;
  const folder = join(configHome(context), 'signalbox');
  throw nothingFound(
    `Cannot find a configuration: there is no "signalbox.json" in "${cwd}" or "${folder}"`,
    'Take over the servers of other MCP clients with "signalbox import", add one with "signalbox add <name> -- <command>", or name a file with --config',
  );
}

/** The configuration file a command writes: the one that applies, or the one to create. */
export async function locateConfigToWrite(context: CommandContext): Promise<string> {
  const { cwd, options } = context;
  if (options.config !== undefined) return resolve(cwd, options.config);
  return (await findConfigFile(context)) ?? defaultConfigFile(context);
}

/**
 * The folder in which the gateway of this configuration remembers things: `--data`, or a folder of its own below
 * `$XDG_DATA_HOME/signalbox` or `~/.local/share/signalbox`, named for the configuration's folder and a hash of its path.
 */
export async function locateData(context: CommandContext, configPath: string): Promise<string> {
  const { cwd, home, env, options } = context;
  if (options.data !== undefined) return resolve(cwd, options.data);
  const configured = env['XDG_DATA_HOME'];
  const dataHome = configured !== undefined && isAbsolute(configured) ? configured : join(home, '.local', 'share');
  const path = await canonicalPath(configPath);
  const label = basename(dirname(path)).replace(/[^A-Za-z0-9._-]+/g, '-') || 'root';
  return join(dataHome, 'signalbox', `${label}-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`);
}

async function requireFile(path: string): Promise<string> {
  try {
    await realpath(path);
    return path;
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw nothingFound(
      `Cannot find the configuration "${path}"`,
      'Name another file with --config, or create this one with "signalbox add" or "signalbox import" and the same --config',
    );
  }
}

// Two ways to one file must lead to one gateway.
async function canonicalPath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error)) return path;
    throw error;
  }
}
