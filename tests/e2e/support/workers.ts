import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { startGateway, type GatewayOptions, type RunningGateway } from './gateway.ts';
import { processTree } from './process-tree.ts';

const noting = fileURLToPath(new URL('../servers/noting-server.mjs', import.meta.url));
const fixture = fileURLToPath(new URL('../../conformance/fixture/server.mjs', import.meta.url));

export const FIXTURE = { command: process.execPath, args: [fixture, '--stdio', '--era', 'handshake'] };

/** An entry for a server that notes what happens to it. */
export function notingServer(name: string, ...args: readonly string[]) {
  return { command: process.execPath, args: [noting, '--name', name, ...args] };
}

export interface RunningWorkers extends RunningGateway {
  /** The processes that serve, in the order they were started. */
  workers(): number[];
}

/** Starts the program with several workers and waits until all of them serve. */
export async function startWorkers(config: Record<string, unknown>, options: Partial<GatewayOptions> & { readonly count?: number } = {}) {
  const { count = 3, args = [] } = options;
  const gateway = await startGateway({ ...options, config, args: ['--json', '--workers', String(count), ...args], readyMs: 60_000 });
  await untilAllServe(gateway, 1);
  const workers = () => {
    const tree = processTree(gateway.pid);
    return tree.filter(({ parent, pid }) => parent === gateway.pid && isWorker(pid)).map(({ pid }) => pid);
  };
  return { ...gateway, workers } satisfies RunningWorkers;
}

/** Waits until all workers have been there at once for so many times. */
export async function untilAllServe(gateway: RunningGateway, times: number): Promise<void> {
  await eventually('all workers serve', () => (gateway.stdout().split('"event":"workers"').length > times ? true : undefined), {
    withinMs: 60_000,
  });
}

function isWorker(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes('SIGNALBOX_WORKER=1');
  } catch (error) {
    // It has ended since it was listed.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
