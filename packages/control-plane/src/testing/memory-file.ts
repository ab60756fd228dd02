import { GatewayError } from '@signalbox/core';
import { applyEdits, modify } from 'jsonc-parser';
import type { ConfigFile } from '../recorded-state/plan-change.ts';

export interface MemoryFile extends ConfigFile {
  text: string | undefined;
  isReadOnly: boolean;
}

/** A configuration file without a disk. */
export function createMemoryFile(text: string | undefined): MemoryFile {
  const file: MemoryFile = {
    path: '/etc/signalbox.json',
    text,
    isReadOnly: false,
    read: async () => file.text,
    edit: (before, operations) =>
      operations.reduce(
        (now, operation) =>
          applyEdits(
            now,
            modify(now, [...operation.path], operation.op === 'set' ? operation.value : undefined, { formattingOptions: {} }),
          ),
        before === '' ? '{}' : before,
      ),
    write: async (after, { expected }) => {
      if (file.isReadOnly) throw new Error('EROFS: read-only file system');
      if (file.text !== expected) throw new GatewayError('CONFLICT', 'it has changed in the meantime');
      file.text = after;
      return '/etc/signalbox.json.bak';
    },
    diff: (before, after) => `-${before}\n+${after}\n`,
  };
  return file;
}
