import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { isMissing } from './read-config-file.ts';

/** Where we are: what a command takes from its process, handed in so that it can be anything else. */
export interface Place {
  readonly cwd: string;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const NAMES = ['signalbox.json', 'signalbox.jsonc'];

/** The configuration file that applies: in the current folder, else in the user’s configuration folder. Undefined when there is none. */
export async function findConfigFile(place: Place): Promise<string | undefined> {
  const folders = [place.cwd, join(configHome(place), 'signalbox')];
  for (const path of folders.flatMap((folder) => NAMES.map((name) => join(folder, name)))) {
    if (await isFile(path)) return path;
  }
  return undefined;
}

/** The file to create when there is none: the one in the user’s configuration folder. */
export function defaultConfigFile(place: Omit<Place, 'cwd'>): string {
  return join(configHome(place), 'signalbox', NAMES[0]!);
}

/** `$XDG_CONFIG_HOME`, or `~/.config`. The XDG specification has relative values ignored. */
export function configHome({ home, env }: Omit<Place, 'cwd'>): string {
  const configured = env['XDG_CONFIG_HOME'];
  return configured !== undefined && isAbsolute(configured) ? configured : join(home, '.config');
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}
