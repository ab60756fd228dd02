import { CommanderError } from 'commander';
import { createContext } from './commands/context.ts';
import { EXIT, type ExitCode } from './commands/exit-code.ts';
import { createProgram } from './commands/program.ts';
import type { Execute } from './commands/program-options.ts';

process.exitCode = EXIT.ok;
const execute: Execute = async (options, body) => {
  const context = createContext(options);
  try {
    process.exitCode = await body(context);
  } catch (error) {
    const { reportFailure } = await import('./commands/report-failure.ts');
    process.exitCode = reportFailure(error, context);
  }
};

// Whoever reads us may stop early, as `head` does; there is nobody left to write to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  const words = process.argv.slice(2);
  await createProgram(execute).parseAsync(words.length === 0 ? ['--help'] : words, { from: 'user' });
} catch (error) {
  process.exitCode = toExitCode(error);
}
// Not everything a command has opened lets go of the process by itself; what is written must still arrive.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))));
process.exit();

function toExitCode(error: unknown): ExitCode {
  if (!(error instanceof CommanderError)) throw error;
  return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
