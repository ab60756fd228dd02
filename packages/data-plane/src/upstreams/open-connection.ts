import type { Ask, Cancellation, ClientProfile, DesiredUpstream, Implementation, Notification } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';

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
  /** Told when the server has forgotten the conversation and another was begun. */
  readonly onForgotten: () => void;
}

/** Opens a connection. @throws GatewayError naming the phase and its budget. */
export type OpenConnection = (options: OpenOptions) => Promise<Opened>;
