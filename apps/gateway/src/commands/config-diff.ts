import {
  diffConfig,
  isEmptyDiff,
  loadConfig,
  maskConfig,
  renderDiff,
  type ConfigBody,
  type VersionDiffBody,
} from '@signalbox/control-plane';
import type { GatewayConfig } from '@signalbox/core';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { commandFailure } from './failures.ts';
import { openAdmin } from './open-admin.ts';
import { requireRunning } from './running-gateway.ts';

/** Compares what the running gateway works by with its file: what a reload would start, stop and restart. */
export async function configDiff(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const { configPath } = running.runtime;
  if (configPath === null) throw commandFailure('The running gateway was started without a configuration file');
  const file = maskConfig(await loadConfig(configPath));
  // The gateway never gives secrets away, so both sides are compared without them.
  const body = await running.get<ConfigBody>('/config');
  const ofApi = body.entries.filter(({ owner, state }) => owner === 'api' && state === 'applied');
  const diff = diffConfig(withoutApi(body, file), file);
  terminal.answer({ configPath, ...diff }, function* () {
    const { paint } = terminal;
    if (isEmptyDiff(diff)) yield `${paint.green('✓')} The gateway works by ${configPath} as it is`;
    else {
      yield* paintLines(renderDiff(diff), context);
      yield '';
      yield `A reload would start ${nameList(diff.added)}, restart ${nameList(diff.changed)} and stop ${nameList(diff.removed)}; ${diff.unchanged.length} would not notice`;
    }
    if (ofApi.length > 0) yield `Beside the file the API owns ${nameList(ofApi.map(({ path }) => path.join('.')))}`;
    for (const { path, state, reason } of body.entries)
      if (state !== 'applied') yield `${paint.yellow('!')} What the API owns as "${path.join('.')}" does not apply: ${reason ?? state}`;
    yield paint.dim('Values that may be secrets are not compared');
  });
  return EXIT.ok;
}

/** Compares two versions of what was wanted, or one with what is wanted now. */
export async function versionDiff(
  context: CommandContext,
  { from, until }: { readonly from: number; readonly until: number | undefined },
): Promise<ExitCode> {
  const { terminal } = context;
  await using admin = await openAdmin(context);
  const to = until ?? (await admin.get<ConfigBody>('/config')).version;
  const body = await admin.get<VersionDiffBody>(`/versions/${from}/diff/${to}`);
  terminal.answer(body, () =>
    body.lines.length === 0 ? [`${terminal.paint.green('✓')} Versions ${from} and ${to} mean the same`] : paintLines(body.lines, context),
  );
  return EXIT.ok;
}

// What the API owns stands beside the file and is no difference to it.
function withoutApi({ config, entries }: ConfigBody, file: GatewayConfig): GatewayConfig {
  const owned = entries.filter(({ owner, state }) => owner === 'api' && state === 'applied').map(({ path }) => path);
  const without = <Value>(section: string, members: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(members).filter(([name]) => !owned.some(([first, second]) => first === section && second === name)));
  const settings = owned.filter((path) => path.length === 1).map(([setting]) => [setting, file[setting as keyof GatewayConfig]]);
  return {
    ...config,
    ...(Object.fromEntries(settings) as Partial<GatewayConfig>),
    mcpServers: without('mcpServers', config.mcpServers),
    virtualServers: without('virtualServers', config.virtualServers),
  };
}

function paintLines(lines: readonly string[], { terminal: { paint } }: CommandContext): string[] {
  return lines.map((line) => (line.startsWith('+') ? paint.green(line) : line.startsWith('-') ? paint.red(line) : paint.yellow(line)));
}

function nameList(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
