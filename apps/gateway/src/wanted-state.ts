import { followState, openState, watchConfig, type AuditPart, type RecordedState } from '@signalbox/control-plane';
import type { Clock, Logger, State, Store } from '@signalbox/core';
import { createConfigFile } from './config-file/config-file-part.ts';
import type { WorkerPart } from './workers/worker-part.ts';

export interface WantedStateOptions {
  readonly configPath: string;
  readonly store: Store;
  readonly worker: WorkerPart | undefined;
  readonly audit?: Pick<AuditPart, 'change'>;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface WantedState {
  readonly state: State;
  /** `undefined` in a worker that is led: there another process decides. */
  readonly recorded: RecordedState | undefined;
  close(): Promise<void>;
}

/** What is wanted, following the configuration file or the worker that leads. */
export async function openWantedState({ configPath, store, worker, audit, logger, clock }: WantedStateOptions): Promise<WantedState> {
  const file = createConfigFile(configPath);
  if (worker !== undefined && !worker.isLeader) {
    const fileText = (await file.read()) ?? '{}';
    const state = followState({ initial: worker.setup.state, fileText, path: file.path, logger });
    worker.obey(state);
    return { state, recorded: undefined, close: async () => undefined };
  }
  const recorded = await openState({ store, file, logger, clock, ...(audit !== undefined && { audit }) });
  worker?.command(recorded);
  const stopWatching = watchConfig({ path: configPath, reload: (reason) => recorded.reload(reason), logger, clock });
  const close = async () => {
    stopWatching();
    await recorded.close();
  };
  return { state: recorded, recorded, close };
}
