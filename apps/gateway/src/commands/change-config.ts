import type { ChangeBody, RequestedOperation } from '@signalbox/control-plane';
import { GatewayError } from '@signalbox/core';
import { renderProblem } from '@signalbox/control-plane';
import type { Paint } from '../terminal/paint.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import type { Admin } from './open-admin.ts';

export interface ConfigChange {
  readonly path: string;
  readonly operations: readonly RequestedOperation[];
  /** Who owns what is changed. Default `file`. */
  readonly target?: 'file' | 'api';
  readonly isDryRun: boolean;
  /** What was done, for example `Added "time"`. */
  readonly done: string;
  readonly name: string;
  readonly warnings: readonly string[];
}

/**
 * Changes the configuration through the admin API: shows the difference with secrets masked. Of a file a copy is kept, and
 * only what a gateway would accept is written.
 * @throws GatewayError `INVALID_CONFIG` when the change makes no valid configuration.
 */
export async function changeConfig(admin: Admin, { terminal }: CommandContext, change: ConfigChange): Promise<ExitCode> {
  const { path, operations, target = 'file', isDryRun, done, name, warnings } = change;
  const body = await admin.post<ChangeBody>('/changes', { operations, target, dryRun: isDryRun });
  refuseProblems(body);
  const { file, lines } = body;
  const diff = file?.diff ?? '';
  const backup = file?.backup;
  const { paint, notePaint } = terminal;
  terminal.answer({ name, configPath: path, written: !isDryRun, backup: backup ?? null, diff, warnings }, function* () {
    yield* target === 'file' ? paintDiff(diff, paint) : lines;
    const where = target === 'file' ? path : 'what the API owns';
    if (isDryRun) yield target === 'file' ? `Nothing is written. Without --dry-run it goes to ${path}` : 'Nothing is changed';
    else {
      yield `${paint.green('✓')} ${done} in ${where}`;
      if (backup !== undefined) yield paint.dim(`  The file as it was: ${backup}`);
    }
  });
  if (!terminal.isJson) for (const warning of warnings) terminal.note(`${notePaint.yellow('Warning:')} ${warning}`);
  return EXIT.ok;
}

/** @throws GatewayError `INVALID_CONFIG` for a dry run that found something. */
export function refuseProblems({ problems }: ChangeBody): void {
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  throw new GatewayError('INVALID_CONFIG', `Cannot make this change: ${renderProblem(first)}${more}`, { data: { problems } });
}

/** A unified diff as lines, coloured. */
export function paintDiff(diff: string, paint: Paint): string[] {
  return diff
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      if (line.startsWith('@@')) return paint.cyan(line);
      if (line.startsWith('+')) return paint.green(line);
      return line.startsWith('-') ? paint.red(line) : line;
    });
}
