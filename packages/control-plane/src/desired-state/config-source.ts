import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import {
  configProblems,
  GatewayError,
  isObject,
  kindOf,
  parseGatewayConfig,
  toGatewayError,
  toMessage,
  type ConfigProblem,
  type GatewayConfig,
  type UpstreamConfig,
} from '@signalbox/core';
import { parseConfigText, type ConfigText, type Position } from './config-text.ts';

/** A problem together with its place in the file, where there is one. Lines and columns count from 1. */
export interface LocatedProblem extends ConfigProblem, Partial<Position> {}

/**
 * Reads a configuration file: JSON in which comments and trailing commas are allowed.
 * Relative folders and module files in it are resolved against the file's own folder, where programs also run by default;
 * `${configDir}` in any text of an entry stands for that folder.
 * @throws GatewayError `INVALID_CONFIG` with `LocatedProblem`s in `data.problems` and the file in `data.file`.
 */
export async function loadConfig(path: string): Promise<GatewayConfig> {
  const file = resolve(path);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw invalid(file, [{ path: '', message: `cannot be read: ${toMessage(cause)}` }], cause);
  }
  return readConfig(text, file);
}

/**
 * Does what `loadConfig` does with text that has been read already.
 * @param file Absolute path, for messages and relative paths.
 */
export function readConfig(text: string, file: string): GatewayConfig {
  const parsed = parseConfigText(text);
  if (parsed.problems.length > 0) throw invalid(file, parsed.problems);
  return parseConfigValue(parsed.value, parsed, file);
}

/**
 * The configuration that a file means together with what is laid over it.
 * @param value What the file says, and more.
 */
export function parseConfigValue(value: unknown, parsed: ConfigText, file: string): GatewayConfig {
  try {
    return resolvePaths(parseGatewayConfig(value), dirname(file));
  } catch (cause) {
    const error = toGatewayError(cause);
    if (error.code !== 'INVALID_CONFIG') throw error;
    throw invalid(file, locate(configProblems(error), parsed), error);
  }
}

/** The problem as one line for people, with its place in front. */
export function renderProblem({ path, message, line, column }: LocatedProblem): string {
  const place = line === undefined ? '' : `line ${line}, column ${column}: `;
  return `${place}${path === '' ? '' : `${path} `}${message}`;
}

function invalid(file: string, problems: readonly LocatedProblem[], cause?: unknown): GatewayError {
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return new GatewayError('INVALID_CONFIG', `Cannot use the configuration "${file}": ${renderProblem(problems[0]!)}${more}`, {
    cause,
    data: { file, problems },
  });
}

function locate(problems: readonly ConfigProblem[], text: ConfigText): LocatedProblem[] {
  return problems.map((problem) => ({ ...problem, ...text.positionOf(problem.path) }));
}

function resolvePaths(config: GatewayConfig, folder: string): GatewayConfig {
  const entries = Object.entries(config.mcpServers).map(([name, upstream]) => [name, resolveUpstream(upstream, folder)] as const);
  return Object.freeze({ ...config, mcpServers: Object.freeze(Object.fromEntries(entries)) });
}

function resolveUpstream(entry: UpstreamConfig, folder: string): UpstreamConfig {
  const upstream = withFolder(entry, folder) as UpstreamConfig;
  const { module } = upstream;
  if (kindOf(upstream) === 'stdio') return Object.freeze({ ...upstream, cwd: resolve(folder, upstream.cwd ?? '.') });
  // Anything that does not look like a file is the name of a package.
  if (module !== undefined && (module.startsWith('.') || isAbsolute(module))) {
    return Object.freeze({ ...upstream, module: resolve(folder, module) });
  }
  return upstream;
}

// Programs do not run in one agreed folder, and some read relative paths from their own.
function withFolder(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return value.replaceAll('${configDir}', folder);
  if (Array.isArray(value)) return Object.freeze(value.map((element) => withFolder(element, folder)));
  if (!isObject(value)) return value;
  return Object.freeze(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withFolder(member, folder)])));
}
