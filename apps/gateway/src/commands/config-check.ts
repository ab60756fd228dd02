import { loadConfig, renderProblem, type LocatedProblem } from '@signalbox/control-plane';
import { configProblems, GatewayError, kindOf, UPSTREAM_KINDS, type GatewayConfig } from '@signalbox/core';
import { countOf } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { locateConfig } from './locations.ts';

/** Says whether a configuration is valid, and otherwise every place that is not and why. */
export async function configCheck(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const path = await locateConfig(context);
  try {
    const config = await loadConfig(path);
    const upstreams = Object.keys(config.mcpServers);
    terminal.answer({ configPath: path, valid: true, problems: [], upstreams }, () => [
      `${terminal.paint.green('✓')} ${path} is valid: ${summaryOf(config)}`,
    ]);
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== 'INVALID_CONFIG') throw error;
    const problems = configProblems(error) as readonly LocatedProblem[];
    terminal.answer({ configPath: path, valid: false, problems }, () => [
      `${terminal.paint.red('✗')} ${path} has ${countOf(problems.length, 'problem')}:`,
      ...problems.map((problem) => `  ${renderProblem(problem)}`),
    ]);
    return EXIT.failed;
  }
}

function summaryOf({ mcpServers, virtualServers }: GatewayConfig): string {
  const upstreams = Object.values(mcpServers);
  const kinds = UPSTREAM_KINDS.map((kind) => [upstreams.filter((each) => kindOf(each) === kind).length, kind] as const);
  const parts = kinds.filter(([count]) => count > 0).map(([count, kind]) => `${count} ${kind}`);
  const off = upstreams.filter(({ disabled }) => disabled).length;
  const detail = parts.length === 0 ? '' : ` (${parts.join(', ')}${off > 0 ? `; ${off} switched off` : ''})`;
  const virtual = Object.keys(virtualServers).length;
  return `${countOf(upstreams.length, 'server')}${detail}${virtual > 0 ? ` and ${countOf(virtual, 'virtual server')}` : ''}`;
}
