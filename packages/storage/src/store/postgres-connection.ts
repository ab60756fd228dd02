import { toMessage, type Clock } from '@signalbox/core';
import pg from 'pg';
import type { ConnectGate } from './connect-gate.ts';

/** One connection that is made when it is first needed, and by itself again when it was lost. */
export interface PostgresConnection {
  /** Uses the connection once everybody before is done with it. @throws whatever keeps it from being connected. */
  use<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result>;
  /** Gives up a connection that cannot be relied upon any more. */
  drop(cause: unknown): void;
  /** Waits for those who use it. */
  close(): Promise<void>;
}

export interface PostgresConnectionOptions {
  readonly url: string;
  readonly gate: ConnectGate;
  readonly clock: Clock;
  readonly prepare?: (client: pg.Client) => Promise<void>;
  /** It was lost, and is there again. */
  readonly onBack?: () => void;
}

const CONNECT_MS = 3000;
const SHORTEST_MS = 50;
/** The server gives up a statement before we give up on the server. */
const STATEMENT_MS = 5000;
const ANSWER_MS = 6000;

export function createPostgresConnection({ url, gate, clock, prepare, onBack }: PostgresConnectionOptions): PostgresConnection {
  let client: pg.Client | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  let cancel: (() => void) | undefined;

  const lose = (lost: pg.Client, cause: unknown): void => {
    if (client !== lost) return;
    client = undefined;
    if (isClosed) return;
    gate.lost(cause);
    reconnect();
  };
  const reconnect = (): void => {
    if (isClosed) return;
    cancel?.();
    cancel = clock.after(Math.max(gate.waitMs, SHORTEST_MS), async () => {
      try {
        await use(async () => undefined);
        onBack?.();
      } catch {
        reconnect();
      }
    });
  };
  const use: PostgresConnection['use'] = (work) => {
    const done = turn.then(async () => work(client ?? (await gate.pass(connect))));
    turn = done.catch(() => undefined);
    return done;
  };
  const connect = async (): Promise<pg.Client> => {
    const fresh = new pg.Client({
      connectionString: url,
      application_name: 'signalbox',
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      query_timeout: ANSWER_MS,
      // Should we vanish in the middle of a transaction, others must not wait for us for long.
      idle_in_transaction_session_timeout: STATEMENT_MS,
      keepAlive: true,
    });
    fresh.on('error', (error) => lose(fresh, error));
    fresh.on('end', () => lose(fresh, new Error('the server has closed the connection')));
    try {
      await fresh.connect();
      await prepare?.(fresh);
    } catch (error) {
      destroy(fresh);
      throw error;
    }
    client = fresh;
    return fresh;
  };
  return {
    use,
    drop: (cause) => {
      const dropped = client;
      if (dropped === undefined) return;
      lose(dropped, cause);
      destroy(dropped);
    },
    close: async () => {
      isClosed = true;
      cancel?.();
      await turn;
      const last = client;
      client = undefined;
      await last?.end().catch(() => undefined);
    },
  };
}

/** Whether the server itself has answered, and goes on with this connection. */
export function isAnswer(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.severity !== 'FATAL' && error.severity !== 'PANIC';
}

/** Says what is the matter, and what to do where that is known. */
export function toPostgresReason(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  // Several addresses were tried: the message of such an error is empty.
  const message = error instanceof AggregateError ? error.errors.map(toMessage).join('; ') : toMessage(error);
  const advice = typeof code === 'string' ? ADVICE[code] : undefined;
  return advice === undefined ? message : `${message}; ${advice}`;
}

// By SQLSTATE, see https://www.postgresql.org/docs/current/errcodes-appendix.html, and by the errors of sockets.
const ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'see that the server runs and "storage.url" names it; the store goes on by itself',
  ENOTFOUND: 'see that "storage.url" names the right server',
  '25006': 'the server takes no writes at the moment; "storage.url" may name a replica',
  '28P01': 'see the user and password in "storage.url"',
  '28000': 'see the user and password in "storage.url"',
  '3D000': 'create the database, or name another one in "storage.url"',
  '42501': 'give the user of "storage.url" the right to create and use the schema',
  '53100': 'the disk of the server is full; free some room there',
  '53300': 'the server has too many connections; raise "max_connections"',
  '57014': 'the server took too long',
};

function destroy(client: pg.Client): void {
  // Nothing is said to the other side: it may not be listening.
  (client as unknown as { readonly connection: { readonly stream: { destroy(): void } } }).connection.stream.destroy();
}
