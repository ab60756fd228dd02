import type { Ask, Cancellation, ClientProfile, Clock, DesiredUpstream, Implementation, Logger, Notification } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';
import type { Manifest } from './manifest.ts';
import type { Upstream } from './upstream.ts';

/** A connection and what is known of the process behind it, if there is one. */
export interface Opened {
  readonly connection: Connection;
  readonly pid: number | undefined;
  readonly stderr: () => readonly string[];
}

export interface OpenOptions {
  readonly desired: DesiredUpstream;
  readonly lastRevision: string | undefined;
  readonly onNotification: (notification: Notification) => void;
  /** Reports the last lines on stderr although opening failed. */
  readonly onStderr: (lines: () => readonly string[]) => void;
  /** Happens when nobody wants the connection any more: what was begun ends then, and opening rejects. */
  readonly cancellation: Cancellation;
  /** Opens a connection for one client alone, in a handshake revision. Default: one that all share. */
  readonly isolated?: IsolatedClient;
}

/** Whom a connection is for that is not shared. */
export interface IsolatedClient {
  /** What the client says its name is. */
  readonly info: Implementation | undefined;
  /** What the server may ask. */
  readonly capabilities: ClientProfile['capabilities'];
  /** Brings questions that come with no call. */
  readonly ask: Ask;
}

export interface UpstreamParts {
  /** Opens a connection. @throws GatewayError naming the phase and its budget. */
  readonly open: (options: OpenOptions) => Promise<Opened>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  /** Waits for the right to start; the returned function gives it back. */
  readonly startPermit: () => Promise<() => void>;
  readonly onManifest: (upstream: Upstream) => void;
  readonly onResourceUpdated: (upstream: Upstream, uri: string) => void;
  readonly onState: (upstream: Upstream) => void;
}

/** What is known of an upstream from before: its last lists, and how often it was started under earlier configurations. */
export interface UpstreamPast {
  readonly manifest: Manifest | undefined;
  readonly starts: number;
}
