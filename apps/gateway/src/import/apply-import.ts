import { GatewayError, toMessage } from '@signalbox/core';
import { writeConfigFile } from '../config-file/write-config-file.ts';
import type { FileChange, ImportPlan } from './import-plan.ts';

export interface WrittenFile {
  readonly path: string;
  /** Copy of the file as it was; absent when there was none. */
  readonly backup?: string;
}

export interface ApplyOptions {
  readonly now?: () => Date;
  /** Writes Signalbox’s own file. Default: like the others. @returns the path of a copy of it as it was. */
  readonly writeOwn?: (change: FileChange) => Promise<string | undefined>;
}

/**
 * Writes what a plan says, each file at once and after a copy of it as it was.
 * @throws GatewayError `CONFLICT` when a file has changed since the plan was made. `data.written` lists the files written until then.
 */
export async function applyImport(
  { changes, report }: ImportPlan,
  { writeOwn, ...options }: ApplyOptions = {},
): Promise<readonly WrittenFile[]> {
  const written: WrittenFile[] = [];
  const write = ({ path, before, after }: FileChange) => writeConfigFile(path, after, { ...options, expected: { text: before } });
  for (const change of changes) {
    const { path } = change;
    try {
      const backup = await (path === report.configPath ? (writeOwn ?? write) : write)(change);
      written.push({ path, ...(backup !== undefined && { backup }) });
    } catch (cause) {
      const code = cause instanceof GatewayError ? cause.code : 'INTERNAL';
      const done =
        written.length === 0 ? 'nothing was written' : `written before that: ${written.map((file) => `"${file.path}"`).join(', ')}`;
      throw new GatewayError(code, `${toMessage(cause)} (${done})`, { cause, data: { path, written } });
    }
  }
  return written;
}
