import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { usageError } from './failures.ts';
import { requireRunning } from './running-gateway.ts';
import { streamTo } from './stream-to.ts';

export interface ProfileOptions {
  readonly kind: string;
  readonly seconds: number;
  readonly worker?: number;
  readonly output?: string;
}

const MARGIN_MS = 30_000;

/** Takes a profile of the running gateway and writes it to a file. */
export async function profile(context: CommandContext, { kind, seconds, worker, output }: ProfileOptions): Promise<ExitCode> {
  if (kind !== 'cpu' && kind !== 'heap') throw usageError(`There is no profile "${kind}"`, 'Profiles are cpu and heap');
  const { terminal } = context;
  const running = await requireRunning(context);
  const waitMs = seconds * 1000 + MARGIN_MS;
  const response = await running.open('POST', `/profiles/${kind}`, { body: { seconds, ...(worker !== undefined && { worker }) }, waitMs });
  const name = `gateway-${running.runtime.pid}${worker === undefined ? '' : `-worker-${worker}`}.${kind}profile`;
  const path = await streamTo(response, context, output ?? name);
  terminal.answer({ kind, seconds, worker: worker ?? 1, path }, () => [
    `${terminal.paint.green('✓')} ${path}`,
    terminal.paint.dim('  The developer tools of Chrome and Visual Studio Code open it'),
  ]);
  return EXIT.ok;
}
