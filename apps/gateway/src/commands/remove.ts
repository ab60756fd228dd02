import { removeServer } from '../config-file/config-text.ts';
import { changeConfig } from './change-config.ts';
import type { CommandContext } from './context.ts';
import type { ExitCode } from './exit-code.ts';
import { locateConfig } from './locations.ts';

export interface RemoveOptions {
  readonly name: string;
  readonly dryRun?: boolean;
}

/** Takes a server out of the configuration file. */
export async function remove(context: CommandContext, { name, dryRun }: RemoveOptions): Promise<ExitCode> {
  return changeConfig(context, {
    path: await locateConfig(context),
    name,
    isDryRun: dryRun === true,
    done: `"${name}" is no longer`,
    warnings: [],
    edit: (text) => removeServer(text, name),
  });
}
