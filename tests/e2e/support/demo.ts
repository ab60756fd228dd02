import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface Demo extends AsyncDisposable {
  readonly configFile: string;
  /** Folder of the demo's filesystem server. */
  readonly files: string;
  /** The environment in which the programs of the demo are found, as `npm start` sets it up. */
  readonly env: Readonly<Record<string, string>>;
}

/** Everything the demo configuration offers, by server, in order. */
export const DEMO_TOOLS = {
  everything: 13,
  filesystem: 14,
  memory: 9,
  time: 4,
} as const;

/** Copies the demo, so that what its servers write is gone with the copy. */
export async function copyDemo(): Promise<Demo> {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-demo-'));
  await cp(path.join(ROOT, 'examples/demo'), folder, { recursive: true, filter: isGiven });
  return {
    configFile: path.join(folder, 'signalbox.json'),
    files: path.join(folder, 'files'),
    env: { PATH: `${path.join(ROOT, 'node_modules/.bin')}${path.delimiter}${process.env['PATH'] ?? ''}` },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

// What a fresh clone holds: nothing that a demo run here before has left.
function isGiven(source: string): boolean {
  return !['.signalbox', 'memory.jsonl'].includes(path.basename(source));
}
