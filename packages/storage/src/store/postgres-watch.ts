import type { Clock } from '@signalbox/core';
import type { ConnectGate } from './connect-gate.ts';
import { createPostgresConnection } from './postgres-connection.ts';
import type { Watchers } from './watchers.ts';

export interface PostgresWatchOptions {
  readonly url: string;
  readonly gate: ConnectGate;
  readonly schema: string;
  readonly watchers: Watchers;
  readonly clock: Clock;
  /** Everything there is, which may all have changed while nobody listened. */
  readonly names: () => Promise<{ readonly collections: readonly string[]; readonly logs: readonly string[] }>;
}

const FIRST_MS = 250;

/** Listens for what is changed in a schema, from the first watcher on. What this process changes is told of twice. */
export function createPostgresWatch({ url, gate, schema, watchers, clock, names }: PostgresWatchOptions) {
  let isStarted = false;
  let isClosed = false;
  let cancel: (() => void) | undefined;

  const pass = async (payload: string): Promise<void> => {
    const { collections, logs } = JSON.parse(payload) as { collections?: string[]; logs?: string[] };
    if (collections !== undefined && logs !== undefined) return watchers.pass({ collections, logs });
    await passAll();
  };
  const passAll = async (): Promise<void> => {
    try {
      watchers.passAll(await names());
    } catch {
      // The connection is lost again; when it is back, everything is told of anyway.
    }
  };
  const connection = createPostgresConnection({
    url,
    gate,
    clock,
    prepare: async (client) => {
      client.on('notification', ({ payload }) => void pass(payload ?? '{}'));
      await client.query(`LISTEN "${schema}_changes"`);
    },
    onBack: () => void passAll(),
  });
  const listen = async (): Promise<void> => {
    if (isClosed) return;
    try {
      await connection.use(async () => undefined);
      // What has changed since the watcher began has been missed.
      await passAll();
    } catch {
      cancel = clock.after(Math.max(gate.waitMs, FIRST_MS), listen);
    }
  };
  return {
    start: (): void => {
      if (isStarted) return;
      isStarted = true;
      void listen();
    },
    close: async (): Promise<void> => {
      isClosed = true;
      cancel?.();
      await connection.close();
    },
  };
}
