import {
  GatewayError,
  nearestOf,
  silentLogger,
  type DesiredUpstream,
  type GatewayConfig,
  type Logger,
  type Snapshot,
  type State,
} from '@signalbox/core';
import { diffConfig, isEmptyDiff, type ConfigDiff } from './diff-config.ts';
import { createSnapshots } from './snapshots.ts';

export interface Precondition {
  /** Changes nothing unless this is the version of the wanted state: whoever asks decided by what it saw there. */
  readonly ifVersion?: number | undefined;
}

export interface DesiredState extends State {
  /**
   * Makes a configuration the wanted one. Without a difference nothing happens: same snapshot, nobody is told.
   * @param options.reason For the log.
   * @throws GatewayError `STALE` when the state has another version than `ifVersion`; `data.version` is the one it has.
   * @returns what changed against the snapshot before. Its `needsRestart` counts from the start of the gateway, so that
   * a setting waits for its restart until that has happened or the setting has been taken back.
   */
  apply(config: GatewayConfig, options: Precondition & { readonly reason: string }): ConfigDiff;
  /**
   * Asks for a restart of one upstream although its configuration is unchanged.
   * @throws GatewayError `UNKNOWN_NAME` naming the nearest name; `CONFLICT` when the upstream is switched off;
   * `STALE` as `apply`.
   */
  restart(name: string, options?: Precondition): void;
}

export interface DesiredStateOptions {
  /** What the gateway starts with. */
  readonly initial: GatewayConfig;
  readonly logger?: Logger;
}

/** Holds what is wanted in memory alone, for gateways that keep no history. */
export function createDesiredState({ initial, logger = silentLogger }: DesiredStateOptions): DesiredState {
  let generations: Readonly<Record<string, number>> = {};
  const snapshots = createSnapshots({ version: 1, config: initial, generations }, { logger });
  const replace = (config: GatewayConfig): void => snapshots.replace({ version: snapshots.current.version + 1, config, generations });

  return {
    get current() {
      return snapshots.current;
    },
    watch: (listener) => snapshots.watch(listener),
    apply: (config, { reason, ...precondition }) => {
      checkVersion(snapshots.current, precondition);
      const { version, config: before } = snapshots.current;
      const diff = diffConfig(before, config);
      const { needsRestart } = diffConfig(initial, config);
      if (!isEmptyDiff(diff)) {
        const { added, removed, changed } = diff;
        logger.info('Configuration applied', { reason, version: version + 1, added, removed, changed, needsRestart });
        replace(config);
      }
      return { ...diff, needsRestart };
    },
    restart: (name, precondition = {}) => {
      checkVersion(snapshots.current, precondition);
      const { config } = snapshots.current;
      const generation = checkRestart(snapshots.current, name).generation + 1;
      logger.info('Restart asked for', { upstream: name, generation });
      generations = { ...generations, [name]: generation };
      replace(config);
    },
  };
}

/** @throws GatewayError `STALE` when the state has another version than the one a change was decided at. */
export function checkVersion({ version }: Snapshot, { ifVersion }: Precondition): void {
  if (ifVersion === undefined || ifVersion === version) return;
  throw new GatewayError('STALE', `Cannot change the state: it is at version ${version} and not at ${ifVersion} any more; look again`, {
    data: { version, ifVersion },
  });
}

/** @throws GatewayError when the upstream is unknown or switched off. */
export function checkRestart({ upstreams }: Snapshot, name: string): DesiredUpstream {
  const upstream = upstreams.get(name);
  if (upstream === undefined) throw unknownUpstream(name, upstreams.keys());
  if (upstream.config.disabled) throw new GatewayError('CONFLICT', `Cannot restart "${name}": its configuration says "disabled"`);
  return upstream;
}

/** The error for the name of an upstream that is not configured. */
export function unknownUpstream(name: string, known: Iterable<string>): GatewayError {
  const names = [...known];
  const nearest = nearestOf(name, names);
  const list = names.length === 0 ? 'none is configured' : `configured are ${names.map((each) => `"${each}"`).join(', ')}`;
  const hint = nearest === undefined ? list : `did you mean "${nearest}"?`;
  return new GatewayError('UNKNOWN_NAME', `There is no upstream "${name}"; ${hint}`, { data: { name, ...(nearest && { nearest }) } });
}
