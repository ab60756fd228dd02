import { diffConfig, isEmptyDiff, loadConfig, maskConfig, renderDiff, type ConfigBody } from '@signalbox/control-plane';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { commandFailure } from './failures.ts';
import { requireRunning } from './running-gateway.ts';

/** Compares what the running gateway works by with its file: what a reload would start, stop and restart. */
export async function configDiff(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const { configPath } = running.runtime;
  if (configPath === null) throw commandFailure('The running gateway was started without a configuration file');
  const file = await loadConfig(configPath);
  const { config } = await running.get<ConfigBody>('/config');
  // The gateway never gives secrets away, so both sides are compared without them.
  const diff = diffConfig(config, maskConfig(file));
  terminal.answer({ configPath, ...diff }, function* () {
    const { paint } = terminal;
    if (isEmptyDiff(diff)) yield `${paint.green('✓')} The gateway works by ${configPath} as it is`;
    else {
      yield* renderDiff(diff).map((line) =>
        line.startsWith('+') ? paint.green(line) : line.startsWith('-') ? paint.red(line) : paint.yellow(line),
      );
      yield '';
      yield `A reload would start ${nameList(diff.added)}, restart ${nameList(diff.changed)} and stop ${nameList(diff.removed)}; ${diff.unchanged.length} would not notice`;
    }
    yield paint.dim('Values that may be secrets are not compared');
  });
  return EXIT.ok;
}

function nameList(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
