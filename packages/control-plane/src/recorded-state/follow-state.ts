import { silentLogger, toMessage, type Logger, type State } from '@signalbox/core';
import { createSnapshots } from '../desired-state/snapshots.ts';
import { readState } from './read-state.ts';
import { NO_STATE, type StateDocument } from './state-event.ts';

export interface FollowStateOptions {
  /** What `RecordedState.toText` gave last, if it has. */
  readonly initial: string | undefined;
  /** For the time until then. */
  readonly fileText: string;
  /** Absolute path of the configuration file. */
  readonly path: string;
  readonly logger?: Logger;
}

export interface FollowedState extends State {
  /** Makes what another process wants the wanted state of this one. */
  take(text: string): void;
}

/** A state that is decided in another process. Keeps nothing. */
export function followState({ initial, fileText, path, logger = silentLogger }: FollowStateOptions): FollowedState {
  const parse = (text: string) => {
    const told = JSON.parse(text) as { readonly document: StateDocument; readonly text: string };
    return { ...told.document, config: readState(told.text, path, told.document.entries).config };
  };
  const own = () => ({ ...NO_STATE, version: 1, config: readState(fileText, path, []).config });
  const snapshots = createSnapshots(initial === undefined ? own() : parse(initial), { logger });
  return {
    get current() {
      return snapshots.current;
    },
    watch: (listener) => snapshots.watch(listener),
    take: (text) => {
      try {
        snapshots.replace(parse(text));
      } catch (error) {
        logger.error(`Cannot follow the state of another process: ${toMessage(error)}`, { error });
      }
    },
  };
}
