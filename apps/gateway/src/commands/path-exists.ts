import { stat } from 'node:fs/promises';
import { isMissing } from '../config-file/read-config-file.ts';

/** Whether anything is at a path. */
export async function pathExists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
