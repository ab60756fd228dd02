import { GatewayError, isObject, missingSecrets, resolveSecret, type SecretText, type UpstreamConfig } from '@signalbox/core';

/** Variables every child gets: where programs and the home folder are, who it runs as, language and time zone. */
const INHERITED = ['HOME', 'LANG', 'LC_ALL', 'LC_CTYPE', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'TMPDIR', 'TZ', 'USER'];
const INHERITED_ON_WINDOWS = [
  'APPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATHEXT',
  'PROGRAMFILES',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
];

export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment of an upstream's process: a short list, what its configuration asks for, nothing else of ours. */
export function childEnvironment(config: UpstreamConfig, environment: Environment): Record<string, string> {
  const child: Record<string, string> = {};
  for (const name of [...INHERITED, ...INHERITED_ON_WINDOWS, ...config.inheritEnv]) {
    const value = environment[name];
    if (value !== undefined) child[name] = value;
  }
  for (const [name, value] of Object.entries(config.env)) child[name] = resolveSecret(value, environment);
  return child;
}

/** Resolves every reference of a map of headers or of a list of arguments. */
export function resolveAll(values: Readonly<Record<string, SecretText>>, environment: Environment): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, resolveSecret(value, environment)]));
}

/** Resolves every reference in a module's configuration, at any depth. */
export function resolveDeep(value: unknown, environment: Environment): unknown {
  if (typeof value === 'string' || isReference(value)) return resolveSecret(value, environment);
  if (Array.isArray(value)) return value.map((element) => resolveDeep(element, environment));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, resolveDeep(member, environment)]));
}

/** @throws GatewayError `INVALID_CONFIG` naming each environment variable the configuration refers to and nobody set. */
export function requireSecrets(upstream: string, config: UpstreamConfig, environment: Environment): void {
  const texts: SecretText[] = [...Object.values(config.env), ...Object.values(config.headers), ...config.args, ...textsIn(config.config)];
  for (const text of [config.command, config.cwd, config.url]) if (text !== undefined) texts.push(text);
  const missing = [...new Set(texts.flatMap((text) => missingSecrets(text, environment)))];
  if (missing.length === 0) return;
  const names = missing.map((name) => `"${name}"`).join(', ');
  const noun = missing.length === 1 ? `environment variable ${names}, which is` : `environment variables ${names}, which are`;
  throw new GatewayError('INVALID_CONFIG', `Cannot start "${upstream}": it needs the ${noun} not set; set it and restart the gateway`, {
    data: { upstream, phase: 'configuration', missing },
  });
}

function textsIn(value: unknown): SecretText[] {
  if (typeof value === 'string' || isReference(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

function isReference(value: unknown): value is { env: string } {
  return isObject(value) && Object.keys(value).length === 1 && typeof value['env'] === 'string';
}
