import { readConfig } from '@signalbox/control-plane';
import { diffText } from '../config-file/diff-text.ts';
import { readConfigFile } from '../config-file/read-config-file.ts';
import { writeConfigFile } from '../config-file/write-config-file.ts';
import { maskJsonText } from '../import/secrets.ts';
import type { Paint } from '../terminal/paint.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { pathExists } from './path-exists.ts';

export interface ConfigChange {
  readonly path: string;
  /** Makes the new text of the old one. */
  readonly edit: (text: string) => string;
  readonly isDryRun: boolean;
  /** What was done, for example `Added "time"`. */
  readonly done: string;
  readonly name: string;
  readonly warnings: readonly string[];
}

/**
 * Changes the configuration file: shows the difference with secrets masked, keeps a copy of the old file, and writes only
 * what a gateway would accept.
 * @throws GatewayError `INVALID_CONFIG` when the new text is no valid configuration.
 */
export async function changeConfig({ terminal }: CommandContext, change: ConfigChange): Promise<ExitCode> {
  const { path, isDryRun, done, name, warnings } = change;
  const before = (await pathExists(path)) ? (await readConfigFile(path)).text : undefined;
  const after = change.edit(before ?? '');
  readConfig(after, path);
  const backup = isDryRun ? undefined : await writeConfigFile(path, after, { expected: { text: before } });
  const diff = diffText(maskJsonText(before ?? ''), maskJsonText(after));
  const { paint, notePaint } = terminal;
  terminal.answer({ name, configPath: path, written: !isDryRun, backup: backup ?? null, diff, warnings }, function* () {
    yield* paintDiff(diff, paint);
    if (isDryRun) yield `Nothing is written. Without --dry-run it goes to ${path}`;
    else {
      yield `${paint.green('✓')} ${done} in ${path}`;
      if (backup !== undefined) yield paint.dim(`  The file as it was: ${backup}`);
    }
  });
  if (!terminal.isJson) for (const warning of warnings) terminal.note(`${notePaint.yellow('Warning:')} ${warning}`);
  return EXIT.ok;
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
