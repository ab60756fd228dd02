import { configJsonSchema } from '@signalbox/core';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

/** Prints the JSON Schema of the configuration file, which is JSON with and without `--json`. */
export function configSchema({ terminal }: CommandContext): Promise<ExitCode> {
  terminal.text(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
  return Promise.resolve(EXIT.ok);
}
