import { canonicalJson, GatewayError } from '@signalbox/core';
import { applyOperations, type StateEntry, type StateOperation } from './state-entry.ts';

/** What can happen to the wanted state. */
export const STATE_ACTIONS = ['config.reload', 'config.change', 'config.rollback', 'upstream.restart'] as const;
export type StateAction = (typeof STATE_ACTIONS)[number];

/** One change of the wanted state, as it is kept for good. */
export interface StateEvent {
  /** Of the state after it; its place in the log. */
  readonly version: number;
  /** Wall clock, milliseconds since 1970. */
  readonly atMs: number;
  /** Name of the admin principal; `file` for a change of the file that was found by following it. */
  readonly by: string;
  readonly action: StateAction;
  readonly reason?: string;
  /** On what the API owns. */
  readonly operations?: readonly StateOperation[];
  /** SHA-256 of the file's text, when that is another than before. The text is kept under it. */
  readonly file?: string;
  /** Upstreams whose generation it raises. */
  readonly restarts?: readonly string[];
  /** Version that was gone back to. */
  readonly target?: number;
}

/** The wanted state as data: what its events add up to. */
export interface StateDocument {
  /** Of the last event; 0 before the first. */
  readonly version: number;
  /** SHA-256 of the file's text; `null` while there has been none. */
  readonly file: string | null;
  /** What the API owns, in the order in which it came. */
  readonly entries: readonly StateEntry[];
  readonly generations: Readonly<Record<string, number>>;
}

export const NO_STATE: StateDocument = Object.freeze({ version: 0, file: null, entries: [], generations: {} });

/** The state after an event. Depends on its arguments alone. */
export function foldState(document: StateDocument, event: StateEvent): StateDocument {
  if (event.version !== document.version + 1)
    throw new GatewayError('INTERNAL', `Cannot add version ${event.version} to a state at version ${document.version}`);
  const raised = (event.restarts ?? []).map((name) => [name, generationOf(document, name) + 1] as const);
  return {
    version: event.version,
    file: event.file ?? document.file,
    entries: applyOperations(document.entries, event.operations ?? []),
    generations: Object.fromEntries([...Object.entries(document.generations), ...raised]),
  };
}

function generationOf({ generations }: StateDocument, name: string): number {
  return Object.hasOwn(generations, name) ? generations[name]! : 0;
}

export function toBytes(value: StateEvent | StateDocument): Buffer {
  return Buffer.from(canonicalJson(value));
}

// Only our own code writes to these places, and a store that changes what it was given is found by `verify`.
export function parseEvent(bytes: Buffer): StateEvent {
  return JSON.parse(bytes.toString()) as StateEvent;
}

export function parseDocument(bytes: Buffer): StateDocument {
  return JSON.parse(bytes.toString()) as StateDocument;
}
