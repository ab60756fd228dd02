import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ConfigFile } from '@signalbox/control-plane';
import { maskJsonText } from '../import/secrets.ts';
import { editConfigText } from './config-text.ts';
import { diffText } from './diff-text.ts';
import { isMissing } from './read-config-file.ts';
import { writeConfigFile } from './write-config-file.ts';

/** The configuration file on disk, for whoever decides what is wanted. */
export function createConfigFile(path: string): ConfigFile {
  const file = resolve(path);
  return {
    path: file,
    read: async () => {
      try {
        return await readFile(file, 'utf8');
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },
    edit: editConfigText,
    write: (text, { expected }) => writeConfigFile(file, text, { expected: { text: expected } }),
    diff: (before, after) => diffText(maskJsonText(before), maskJsonText(after)),
  };
}
