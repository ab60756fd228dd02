import { GatewayError } from '@signalbox/core';
import { planApiChange, planFileChange, planWhole, type ConfigFile, type Ground, type Plan } from './plan-change.ts';
import type { ChangeRequest, RollbackRequest } from './recorded-state.ts';
import { operationsBetween, type StateEntry } from './state-entry.ts';
import type { StateEvent } from './state-event.ts';
import { hashOf, isSameJson, type StateLog } from './state-log.ts';

/** What a change is prepared from. */
export interface Sources {
  readonly entries: readonly StateEntry[];
  /** Of the file, as it applies. */
  readonly text: string;
  readonly file: ConfigFile;
  readonly log: StateLog;
}

/** The file is to be written, and has this text until then. */
export interface Write {
  readonly expected: string | undefined;
}

export interface Prepared {
  readonly ground: Ground;
  readonly plan: Plan;
  readonly event: Pick<StateEvent, 'action' | 'target'>;
  readonly write?: Write;
}

/** Plans a change of what the API owns, or of the file as it is on disk now. */
export async function prepareChange({ operations, target = 'api', ifFile }: ChangeRequest, sources: Sources): Promise<Prepared> {
  const event = { action: 'config.change' } as const;
  if (target === 'api') return { ground: sources, plan: planApiChange(operations, sources), event };
  const { file } = sources;
  const text = await file.read();
  if (ifFile !== undefined && ifFile !== hashOf(text ?? ''))
    throw new GatewayError('CONFLICT', `Cannot write "${file.path}": it has changed in the meantime; run the command again`);
  const ground = { ...sources, text: text ?? '' };
  return { ground, plan: planFileChange(operations, ground), event, write: { expected: text } };
}

/** Plans going back to a version. @throws GatewayError `NOT_FOUND` when there is none of that number. */
export async function prepareRollback({ version, scope = 'all' }: RollbackRequest, sources: Sources): Promise<Prepared> {
  const { entries, file, log } = sources;
  const target = await log.at(version);
  const isFileKept = scope === 'api' || target.file === null;
  const text = isFileKept ? sources.text : await log.text(target.file);
  const onDisk = isFileKept ? text : await file.read();
  const operations = operationsBetween(entries, target.entries, isSameJson);
  const plan = planWhole({ operations, entries: target.entries, text }, sources);
  const event = { action: 'config.rollback', target: version } as const;
  return { ground: sources, plan, event, ...(text !== onDisk && { write: { expected: onDisk } }) };
}
