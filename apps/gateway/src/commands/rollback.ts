import type { ChangeBody } from '@signalbox/control-plane';
import { paintDiff, refuseProblems } from './change-config.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { openAdmin } from './open-admin.ts';

export interface RollbackOptions {
  readonly version: number;
  readonly scope?: string;
  readonly reason?: string;
  readonly dryRun?: boolean;
}

/** Goes back to an earlier version of what is wanted. */
export async function rollback(context: CommandContext, { version, scope, reason, dryRun = false }: RollbackOptions): Promise<ExitCode> {
  const { terminal } = context;
  await using admin = await openAdmin(context);
  const body = await admin.post<ChangeBody>(`/versions/${version}/rollback`, { scope, reason, dryRun });
  refuseProblems(body);
  terminal.answer(body, function* () {
    const { paint } = terminal;
    yield* body.lines;
    if (body.file !== undefined) yield* [paint.bold(`Changes to ${body.file.path}`), ...paintDiff(body.file.diff, paint)];
    if (dryRun) yield 'Nothing is changed. Without --dry-run it is';
    else yield `${paint.green('✓')} Version ${body.version} is what version ${version} was`;
    if (body.file?.backup !== undefined) yield paint.dim(`  The file as it was: ${body.file.backup}`);
  });
  return EXIT.ok;
}
