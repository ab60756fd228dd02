import { GatewayError, toMessage } from '@signalbox/core';
import { writeConfigFile } from '../config-file/write-config-file.ts';
import type { ImportPlan } from './import-plan.ts';

export interface WrittenFile {
  readonly path: string;
  /** Copy of the file as it was; absent when there was none. */
  readonly backup?: string;
}

/**
 * Writes what a plan says, each file at once and after a copy of it as it was.
 * @throws GatewayError `CONFLICT` when a file has changed since the plan was made. `data.written` lists the files written until then.
 */
export async function applyImport({ changes }: ImportPlan, options: { readonly now?: () => Date } = {}): Promise<readonly WrittenFile[]> {
  const written: WrittenFile[] = [];
  for (const { path, before, after } of changes) {
    try {
      const backup = await writeConfigFile(path, after, { ...options, expected: { text: before } });
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
