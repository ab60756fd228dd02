import { loadConfig, renderProblem, type LocatedProblem } from '@signalbox/control-plane';
import { configProblems, GatewayError, toMessage, type GatewayConfig } from '@signalbox/core';
import type { Paint } from '../terminal/paint.ts';
import { countOf, toSafeLine, widthOf } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { checkData, checkListen, checkNames, checkRunning } from './doctor/check-gateway.ts';
import { checkNode } from './doctor/check-node.ts';
import { checkUpstream } from './doctor/check-upstream.ts';
import { error, ok, type Finding } from './doctor/finding.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { locateConfig, locateData } from './locations.ts';
import { findRunning } from './running-gateway.ts';

/** Looks at everything the gateway needs and says what is wrong and how to mend it. Ends with 1 when something is an error. */
export async function doctor(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const findings = [checkNode(process.version, Date.now()), ...(await examine(context))];
  const errors = findings.filter(({ level }) => level === 'error').length;
  const warnings = findings.filter(({ level }) => level === 'warn').length;
  terminal.answer({ findings, errors, warnings }, () => renderFindings(findings, { errors, warnings, paint: terminal.paint }));
  return errors > 0 ? EXIT.failed : EXIT.ok;
}

async function examine(context: CommandContext): Promise<Finding[]> {
  let configPath: string;
  try {
    configPath = await locateConfig(context);
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    return [error('config', cause.message, String(cause.data?.['hint']))];
  }
  const config = await checkConfig(configPath);
  return Array.isArray(config) ? config : examineGateway(context, configPath, config);
}

async function examineGateway(context: CommandContext, configPath: string, config: GatewayConfig): Promise<Finding[]> {
  const { env } = context;
  const dataDir = await locateData(context, configPath);
  const names = Object.keys(config.mcpServers);
  const running = await findGateway(dataDir);
  const gateway = running instanceof GatewayError ? undefined : running;
  const known = await Promise.all(names.map((name) => checkUpstream({ name, config: config.mcpServers[name]!, configPath, env })));
  const upstreams = known.flat();
  const broken = new Set(upstreams.filter(({ level }) => level === 'error').map(({ subject }) => subject));
  return [
    ok('config', `${configPath} is valid: ${countOf(names.length, 'server')}`),
    ...upstreams,
    await checkNames(context, { configPath, dataDir }, names),
    await checkData(dataDir),
    ...(await checkListen(config, { env, running: gateway })),
    ...(running instanceof GatewayError
      ? [error('gateway', running.message, String(running.data?.['hint'] ?? 'Start it again'))]
      : checkRunning(running, broken)),
  ];
}

async function findGateway(dataDir: string) {
  try {
    return await findRunning(dataDir);
  } catch (cause) {
    if (cause instanceof GatewayError) return cause;
    throw cause;
  }
}

async function checkConfig(path: string): Promise<GatewayConfig | Finding[]> {
  try {
    return await loadConfig(path);
  } catch (cause) {
    if (!(cause instanceof GatewayError)) throw cause;
    const problems = configProblems(cause) as readonly LocatedProblem[];
    const fix = `Correct ${path}; "signalbox config check" tells when it is right`;
    return problems.length === 0
      ? [error('config', toMessage(cause), fix)]
      : problems.map((problem) => error('config', renderProblem(problem), fix));
  }
}

interface Summary {
  readonly errors: number;
  readonly warnings: number;
  readonly paint: Paint;
}

function* renderFindings(findings: readonly Finding[], { errors, warnings, paint }: Summary): Iterable<string> {
  const marks = { ok: paint.green('✓'), warn: paint.yellow('!'), error: paint.red('✗') };
  const width = Math.max(...findings.map(({ subject }) => widthOf(subject)));
  for (const { level, subject, message, fix } of findings) {
    yield `${marks[level]} ${paint.bold(subject)}${' '.repeat(width - widthOf(subject))}  ${toSafeLine(message)}`;
    if (fix !== undefined) yield `  ${' '.repeat(width)}  ${paint.cyan('→')} ${fix}`;
  }
  yield '';
  if (errors + warnings === 0) yield paint.green('Everything is in order');
  else yield `${countOf(errors, 'error')}, ${countOf(warnings, 'warning')}`;
}
