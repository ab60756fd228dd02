import type { ClientId } from './clients.ts';

/** A secret written out in a client’s file, and the reference that could stand in its place. */
export interface FoundSecret {
  /** For example `env.GITHUB_TOKEN`. */
  readonly where: string;
  readonly masked: string;
  readonly reference: string;
}

/** What becomes of one found server. */
export interface PlannedServer {
  readonly client: ClientId;
  readonly file: string;
  readonly scope: 'user' | 'project';
  /** Name in the client’s file. */
  readonly name: string;
  /** `conflict`: the name belongs to another server, so it is added under a longer one. */
  readonly action: 'add' | 'skip' | 'conflict';
  /** Name in the configuration of Signalbox; absent when skipped. */
  readonly addedAs?: string;
  readonly reason?: string;
  readonly secrets: readonly FoundSecret[];
  /** Kept in the client’s file, not used here. */
  readonly unusedKeys: readonly string[];
  readonly notes: readonly string[];
}

/** What becomes of one client’s own file. */
export interface PlannedConnection {
  readonly client: ClientId;
  readonly file: string;
  readonly action: 'add' | 'skip';
  readonly reason?: string;
  /** Masked. */
  readonly diff: string;
}

/** An environment variable Signalbox needs for what is imported. */
export interface NeededVariable {
  readonly name: string;
  /** Names of the servers that use it. */
  readonly servers: readonly string[];
  /** Why: it takes the place of a secret, or the imported entry refers to it. */
  readonly because: 'secret' | 'reference';
}

/** What an import would do, fit to be shown: nothing in it holds a secret. */
export interface ImportReport {
  readonly configPath: string;
  /** Masked. */
  readonly diff: string;
  readonly servers: readonly PlannedServer[];
  readonly connections: readonly PlannedConnection[];
  readonly variables: readonly NeededVariable[];
  /** Files of clients that could not be read. */
  readonly problems: readonly { readonly client: ClientId; readonly path: string; readonly message: string }[];
}

/** A file to write. The texts hold secrets as they are: not to be shown. */
export interface FileChange {
  readonly path: string;
  /** Undefined for a file that is not there. */
  readonly before: string | undefined;
  readonly after: string;
}

export interface ImportPlan {
  readonly report: ImportReport;
  /** Signalbox’s own file first. Empty when there is nothing to do. */
  readonly changes: readonly FileChange[];
}
