import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { signalAll } from './process-group.ts';

export interface RedisServer {
  readonly url: string;
  pid(): number;
  /** Starts it again after it was killed. */
  start(): Promise<void>;
  /** Stops everything it does without ending it, and lets it go on. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

const PROGRAM = '/usr/bin/redis-server';

/** A Redis server of its own, in a temporary folder, that keeps what it acknowledges. */
export async function startRedis(): Promise<RedisServer> {
  if (!existsSync(PROGRAM)) throw new Error(`There is no "${PROGRAM}"; install it: apt-get install redis-server`);
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-redis-'));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    child = spawn(
      PROGRAM,
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'yes', '--appendfsync', 'always'],
      { stdio: 'ignore' },
    );
    for (let attempt = 0; attempt < 200 && !(await listens(port)); attempt++) await delay(25);
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    pid: () => child!.pid!,
    start,
    freeze: () => signalAll(child!.pid!, 'SIGSTOP'),
    thaw: () => signalAll(child!.pid!, 'SIGCONT'),
    stop: async () => {
      if (child?.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child!.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
