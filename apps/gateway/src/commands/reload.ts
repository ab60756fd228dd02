import type { ReloadBody } from '@signalbox/control-plane';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { requireRunning } from './running-gateway.ts';

/** Has the running gateway read its file again. */
export async function reload(context: CommandContext): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const body = await running.post<ReloadBody>('/reload');
  terminal.answer(body, function* () {
    yield* body.lines;
    yield `${terminal.paint.green('✓')} ${body.lines.length === 0 ? 'The gateway works by its file as it is' : 'The gateway works by its file again'}`;
  });
  return EXIT.ok;
}
