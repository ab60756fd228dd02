import type { Implementation, Logger, Seal, State, Status, Store } from '@signalbox/core';
import type { RequestHandler } from '@signalbox/protocol';
import type { WorkerPart } from './workers/worker-part.ts';

/** What a gateway is made from. */
export interface GatewayOptions {
  /** The configuration file, followed while the gateway runs. */
  readonly configPath: string;
  /** Folder for what is remembered; `undefined` remembers nothing. */
  readonly dataDir: string | undefined;
  /** Where references to secrets are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Listens there instead of where the configuration says. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  /** Opens a store to use in place of the one that is configured. The gateway closes it. */
  readonly openStore?: () => Promise<Store>;
  /** Present in one of several processes that serve one port. */
  readonly worker?: WorkerPart;
}

/** A running gateway. Whoever created it closes it. */
export interface Gateway {
  readonly state: State;
  readonly status: Status;
  /** Answers requests in inner form, as every listener does. */
  readonly handler: RequestHandler;
  /** Answers requests to the virtual server of that name, if there is one. */
  server(name: string): RequestHandler | undefined;
  /** Seals what clients hold for us, as every listener needs it. */
  readonly seal: Seal;
  readonly info: Implementation;
  /** Starts the upstreams that are wanted, now and from now on. Idempotent. */
  start(): void;
  /** Opens the HTTP listener, then starts: clients are answered before the first process is. @throws GatewayError when the address is taken or refused. */
  listen(): Promise<{ readonly url: string }>;
  /** Resolves once every upstream is ready or has failed once, at most after `waitMs`. */
  settled(waitMs: number): Promise<void>;
  /**
   * Goes on for `delayMs`, then takes no new calls, lets those in flight finish for up to `graceMs`, and stops every upstream.
   * Default: as configured, without a delay.
   */
  close(graceMs?: number, delayMs?: number): Promise<void>;
}
