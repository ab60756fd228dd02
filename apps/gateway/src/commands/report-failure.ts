import { configProblems, GatewayError, toMessage } from '@signalbox/core';
import type { CommandContext } from './context.ts';
import { exitCodeOf } from './failures.ts';
import type { ExitCode } from './exit-code.ts';

/** Says on stderr what went wrong and what to do, as text or as one line of JSON. @returns the exit code that stands for it. */
export function reportFailure(error: unknown, { terminal, options }: CommandContext): ExitCode {
  const code = exitCodeOf(error);
  const hint = hintOf(error);
  if (terminal.isJson) {
    const problems = error instanceof GatewayError ? configProblems(error) : [];
    const kind = error instanceof GatewayError ? error.code : 'INTERNAL';
    terminal.note(JSON.stringify({ error: { code: kind, message: toMessage(error), hint, ...(problems.length > 0 && { problems }) } }));
  } else {
    const paint = terminal.notePaint;
    terminal.note(`${paint.red('Error:')} ${toMessage(error)}`);
    for (const line of problemLines(error)) terminal.note(`  ${line}`);
    if (hint !== undefined) terminal.note(`${paint.cyan('→')} ${hint}`);
    else if (!(error instanceof GatewayError) && options.debug !== true)
      terminal.note(`${paint.cyan('→')} The same command with --debug shows where it happened`);
  }
  if (options.debug === true) terminal.note(stackOf(error));
  return code;
}

function hintOf(error: unknown): string | undefined {
  const hint = error instanceof GatewayError ? error.data?.['hint'] : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

// The first problem is in the message already, so one alone needs no list.
function problemLines(error: unknown): string[] {
  const problems = error instanceof GatewayError ? configProblems(error) : [];
  return problems.length < 2 ? [] : problems.map(problemLine);
}

function problemLine({
  path,
  message,
  ...place
}: {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}): string {
  const position = place.line === undefined ? '' : `line ${place.line}, column ${place.column}: `;
  return `${position}${path === '' ? '' : `${path} `}${message}`;
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
