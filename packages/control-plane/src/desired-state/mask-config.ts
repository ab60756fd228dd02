import type { GatewayConfig, SecretText, UpstreamConfig } from '@signalbox/core';

/** Stands in for a value that must not be shown. */
const MASK = '***';

/**
 * A copy fit to be shown: what may be a secret is replaced by `***`. These are the values of `env` and `headers` unless they
 * only refer to a variable, credentials within addresses, and arguments that follow or carry a secret's name.
 */
export function maskConfig(config: GatewayConfig): GatewayConfig {
  const { storage, cache, telemetry } = config;
  return {
    ...config,
    mcpServers: mapValues(config.mcpServers, maskUpstream),
    storage: { ...storage, url: maskAddress(storage.url) },
    cache: cache.shared === undefined ? cache : { ...cache, shared: maskAddress(cache.shared) },
    telemetry: {
      ...telemetry,
      ...(telemetry.traces && { traces: maskExport(telemetry.traces) }),
      ...(telemetry.metrics && { metrics: maskExport(telemetry.metrics) }),
    },
  };
}

/** Does for one upstream what `maskConfig` does for all. */
export function maskUpstream(upstream: UpstreamConfig): UpstreamConfig {
  return {
    ...upstream,
    env: mapValues(upstream.env, maskSecret),
    headers: mapValues(upstream.headers, maskSecret),
    args: maskArguments(upstream.args),
    ...(upstream.url === undefined ? {} : { url: maskUrl(upstream.url) }),
  };
}

function maskExport<Export extends { readonly url: string; readonly headers: Readonly<Record<string, SecretText>> }>(
  exported: Export,
): Export {
  return { ...exported, url: maskUrl(exported.url), headers: mapValues(exported.headers, maskSecret) };
}

function maskAddress(address: SecretText): SecretText {
  return typeof address === 'string' ? maskUrl(address) : address;
}

const REFERENCE = /^(?:(?:Bearer|Basic|Token) +)?\$\{(?:env:)?[A-Za-z_][A-Za-z0-9_]*\}$/i;
const SECRET_NAME =
  /(?:token|secret|password|passwd|passphrase|api[-_]?key|apikey|access[-_]?key|private[-_]?key|credentials?|auth|authorization|signature)$/i;
const SHORT_NAMES = new Set(['key', 'pwd', 'sig']);

function maskSecret(text: SecretText): SecretText {
  return typeof text === 'string' ? maskText(text) : text;
}

// Reads `--token=x`, `TOKEN=x` and `Authorization: x`, and `x` behind a bare `--token`.
function maskArguments(args: readonly string[]): string[] {
  return args.map((argument, index) => {
    const [, start = '', name = '', value] = /^((?:--?)?([^=:\s]+)(?:=|:\s*))(.*)$/s.exec(argument) ?? [];
    if (value !== undefined && isSecretName(name)) return start + maskText(value);
    const isValue = !argument.startsWith('-') && isSecretName(/^--?([^=\s]+)$/.exec(args[index - 1] ?? '')?.[1] ?? '');
    return isValue ? maskText(argument) : maskUrl(argument);
  });
}

// Works on the text, as an address with references in it need not parse.
function maskUrl(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)([^/?#@]*)@/i, (_, scheme: string, user: string) => `${scheme}${maskText(user)}@`)
    .replace(/([?&])([^=&#]+)=([^&#]*)/g, (all, mark: string, name: string, value: string) =>
      isSecretName(name) ? `${mark}${name}=${maskText(value)}` : all,
    );
}

function maskText(text: string): string {
  return REFERENCE.test(text) ? text : MASK;
}

function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name) || SHORT_NAMES.has(name.toLowerCase());
}

function mapValues<Value>(values: Readonly<Record<string, Value>>, map: (value: Value) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, map(value)]));
}
