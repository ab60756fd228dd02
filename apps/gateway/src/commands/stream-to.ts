import { createWriteStream } from 'node:fs';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CommandContext } from './context.ts';

/** Writes what an answer holds to a file, readable by its owner alone, or else to stdout. @returns the path of the file. */
export async function streamTo(
  response: Response,
  { terminal, cwd }: CommandContext,
  output: string | undefined,
): Promise<string | undefined> {
  const body = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  if (output === undefined) {
    for await (const chunk of body.setEncoding('utf8')) terminal.text(chunk as string);
    return undefined;
  }
  const path = resolve(cwd, output);
  await pipeline(body, createWriteStream(path, { mode: 0o600 }));
  return path;
}
