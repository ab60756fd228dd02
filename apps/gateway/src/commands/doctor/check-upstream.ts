import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { isObject, missingSecrets, resolveSecret, silentLogger, toMessage, type SecretText, type UpstreamConfig } from '@signalbox/core';
import { findSecrets, flagBefore } from '../../import/secrets.ts';
import { createModuleLoader } from '../../load-module.ts';
import { unpinnedPackage } from '../unpinned-package.ts';
import { error, ok, warn, type Finding } from './finding.ts';

export interface UpstreamCheck {
  readonly name: string;
  readonly config: UpstreamConfig;
  readonly configPath: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const REACH_MS = 3_000;

/** Whether an upstream has what it needs to start. Nothing is started, except that a module is loaded. */
export async function checkUpstream(check: UpstreamCheck): Promise<Finding[]> {
  const { name, config } = check;
  if (config.disabled) return [ok(name, 'is switched off')];
  const findings = [...checkReferences(check), ...checkHabits(check), ...(await checkTarget(check))];
  return findings.length > 0 ? findings : [ok(name, await describe(check))];
}

async function checkTarget({ name, config, configPath, env }: UpstreamCheck): Promise<Finding[]> {
  if (config.url !== undefined) return checkUrl(name, resolveSecret(config.url, env));
  if (config.module !== undefined) return checkModule({ name, config, configPath, env });
  const folder = config.cwd ?? '.';
  if (!(await isFolder(folder))) return [error(name, `its folder "${folder}" does not exist`, 'Create it, or correct "cwd"')];
  const command = resolveSecret(config.command ?? '', env);
  const path = resolveSecret(config.env['PATH'] ?? env['PATH'] ?? '', env);
  if ((await findProgram(command, { folder, path })) !== undefined) return [];
  const where = command.includes('/') ? '' : ' on PATH';
  return [error(name, `there is no program "${command}"${where}`, 'Install it, or give its full path under "command"')];
}

async function checkUrl(name: string, text: string): Promise<Finding[]> {
  if (!URL.canParse(text))
    return [error(name, 'its address cannot be read once references are replaced', 'Correct "url", or the variables in it')];
  const url = new URL(text);
  const port = Number(url.port || (/^(?:https|wss):$/.test(url.protocol) ? 443 : 80));
  const reason = await reach(url.hostname.replace(/^\[|\]$/g, ''), port);
  return reason === undefined
    ? []
    : [error(name, `"${url.host}" cannot be reached: ${reason}`, 'Check "url", and whether that server runs')];
}

async function checkModule({ name, config, configPath, env }: UpstreamCheck): Promise<Finding[]> {
  try {
    const loaded = await createModuleLoader(configPath, silentLogger)(
      config.module ?? '',
      mapTexts(config.config, (text) => resolveSecret(text, env)),
    );
    await loaded.close();
    return [];
  } catch (cause) {
    return [
      error(
        name,
        `its module "${config.module}" cannot be loaded: ${toMessage(cause)}`,
        'Install the package beside the configuration, or correct "module"',
      ),
    ];
  }
}

function checkReferences({ name, config, env }: UpstreamCheck): Finding[] {
  const texts: SecretText[] = [
    ...Object.values(config.env),
    ...Object.values(config.headers),
    ...config.args,
    config.command ?? '',
    config.url ?? '',
  ];
  mapTexts(config.config, (text) => texts.push(text));
  const missing = [...new Set(texts.flatMap((text) => missingSecrets(text, env)))];
  const notInherited = config.inheritEnv.filter((variable) => env[variable] === undefined);
  return [
    ...missing.map((variable) => error(name, `the environment variable "${variable}" is not set`, 'Set it where the gateway is started')),
    ...notInherited.map((variable) =>
      warn(
        name,
        `"inheritEnv" names "${variable}", which is not set`,
        'Set it where the gateway is started, or take it out of "inheritEnv"',
      ),
    ),
  ];
}

function checkHabits({ name, config }: UpstreamCheck): Finding[] {
  const unpinned = config.command === undefined ? undefined : unpinnedPackage(config.command, config.args);
  const pairs = [...Object.entries(config.env), ...Object.entries(config.headers)];
  const literal = [
    ...pairs.filter(([key, value]) => typeof value === 'string' && findSecrets(value, key).length > 0).map(([key]) => `"${key}"`),
    ...config.args.flatMap((value, index) =>
      findSecrets(value, flagBefore(config.args, index)).length > 0 ? [`argument ${index + 1}`] : [],
    ),
  ];
  return [
    ...(unpinned === undefined
      ? []
      : [warn(name, `"${unpinned}" names no exact version, so each start may run other code`, 'Write the version behind its name')]),
    ...literal.map((where) =>
      warn(
        name,
        `${where} seems to be a secret written out`,
        'Write ${env:NAME} in its place and set that variable where the gateway is started',
      ),
    ),
  ];
}

/** A copy of a module's configuration with each text and each reference replaced by what `map` makes of it. */
function mapTexts(value: unknown, map: (text: SecretText) => unknown): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((element) => mapTexts(element, map));
  if (!isObject(value)) return value;
  const { env } = value;
  if (typeof env === 'string' && Object.keys(value).length === 1) return map({ env });
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapTexts(member, map)]));
}

async function describe({ config, env }: UpstreamCheck): Promise<string> {
  if (config.url !== undefined) return `"${new URL(resolveSecret(config.url, env)).host}" can be reached`;
  if (config.module !== undefined) return `module "${config.module}" can be loaded`;
  const found = await findProgram(resolveSecret(config.command ?? '', env), {
    folder: config.cwd ?? '.',
    path: resolveSecret(config.env['PATH'] ?? env['PATH'] ?? '', env),
  });
  return `runs ${found}`;
}

/** Where a command is found as the system would find it, or `undefined`. */
export async function findProgram(
  command: string,
  { folder, path }: { readonly folder: string; readonly path: string },
): Promise<string | undefined> {
  const extensions = process.platform === 'win32' ? ['', '.exe', '.cmd', '.bat'] : [''];
  const bases =
    command.includes('/') || isAbsolute(command)
      ? [resolve(folder, command)]
      : path
          .split(delimiter)
          .filter((part) => part !== '')
          .map((part) => join(resolve(folder, part), command));
  for (const candidate of bases.flatMap((base) => extensions.map((extension) => base + extension))) {
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    async () => (await stat(path)).isFile(),
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function reach(host: string, port: number): Promise<string | undefined> {
  return new Promise((settle) => {
    const socket = connect({ host, port, timeout: REACH_MS });
    const finish = (reason: string | undefined) => {
      socket.destroy();
      settle(reason);
    };
    socket.once('connect', () => finish(undefined));
    socket.once('timeout', () => finish(`no connection in ${REACH_MS} ms`));
    socket.once('error', (cause: NodeJS.ErrnoException) => finish(cause.message === '' ? (cause.code ?? 'no connection') : cause.message));
  });
}
