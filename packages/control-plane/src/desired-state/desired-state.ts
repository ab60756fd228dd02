import {
  GatewayError,
  nearestOf,
  silentLogger,
  toMessage,
  type DesiredUpstream,
  type GatewayConfig,
  type Logger,
  type Snapshot,
  type State,
} from '@signalbox/core';
import { diffConfig, isEmptyDiff, isSameUpstream, type ConfigDiff } from './diff-config.ts';

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

type Listener = (next: Snapshot, previous: Snapshot) => void;

/**
 * Holds what is wanted as immutable snapshots, replaced whole. An upstream whose entry is unchanged keeps its identical
 * `DesiredUpstream`, so comparing objects tells what to restart. Switched-off upstreams are part of the snapshot.
 */
export function createDesiredState({ initial, logger = silentLogger }: DesiredStateOptions): DesiredState {
  let current: Snapshot = Object.freeze({ version: 1, config: initial, upstreams: toUpstreams(initial, new Map()) });
  const listeners = new Set<Listener>();
  const changes: (readonly [next: Snapshot, previous: Snapshot])[] = [];
  let isTelling = false;

  // A listener may cause the next change; the others still hear of both in order.
  const tell = (): void => {
    if (isTelling) return;
    isTelling = true;
    for (let change = changes.shift(); change !== undefined; change = changes.shift()) {
      for (const listener of listeners) {
        try {
          listener(...change);
        } catch (error) {
          logger.error(`Cannot follow the change to version ${change[0].version}: ${toMessage(error)}`, { error });
        }
      }
    }
    isTelling = false;
  };

  const replace = (config: GatewayConfig, upstreams: ReadonlyMap<string, DesiredUpstream>): void => {
    const previous = current;
    current = Object.freeze({ version: previous.version + 1, config, upstreams });
    changes.push([current, previous]);
    tell();
  };

  const check = ({ ifVersion }: Precondition): void => {
    const { version } = current;
    if (ifVersion === undefined || ifVersion === version) return;
    throw new GatewayError('STALE', `Cannot change the state: it is at version ${version} and not at ${ifVersion} any more; look again`, {
      data: { version, ifVersion },
    });
  };

  return {
    get current() {
      return current;
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    apply: (config, { reason, ...precondition }) => {
      check(precondition);
      const diff = diffConfig(current.config, config);
      const { needsRestart } = diffConfig(initial, config);
      if (!isEmptyDiff(diff)) {
        logger.info('Configuration applied', {
          reason,
          version: current.version + 1,
          added: diff.added,
          removed: diff.removed,
          changed: diff.changed,
          needsRestart,
        });
        replace(config, toUpstreams(config, current.upstreams));
      }
      return { ...diff, needsRestart };
    },
    restart: (name, precondition = {}) => {
      check(precondition);
      const upstream = current.upstreams.get(name);
      if (upstream === undefined) throw unknownUpstream(name, current.upstreams.keys());
      if (upstream.config.disabled) throw new GatewayError('CONFLICT', `Cannot restart "${name}": its configuration says "disabled"`);
      const raised: DesiredUpstream = Object.freeze({ ...upstream, generation: upstream.generation + 1 });
      // Setting a key that is there keeps the order of the map.
      logger.info('Restart asked for', { upstream: name, generation: raised.generation });
      replace(current.config, new Map(current.upstreams).set(name, raised));
    },
  };
}

/** The error for the name of an upstream that is not configured. */
export function unknownUpstream(name: string, known: Iterable<string>): GatewayError {
  const names = [...known];
  const nearest = nearestOf(name, names);
  const list = names.length === 0 ? 'none is configured' : `configured are ${names.map((each) => `"${each}"`).join(', ')}`;
  const hint = nearest === undefined ? list : `did you mean "${nearest}"?`;
  return new GatewayError('UNKNOWN_NAME', `There is no upstream "${name}"; ${hint}`, { data: { name, ...(nearest && { nearest }) } });
}

function toUpstreams(config: GatewayConfig, known: ReadonlyMap<string, DesiredUpstream>): ReadonlyMap<string, DesiredUpstream> {
  const upstreams = new Map<string, DesiredUpstream>();
  for (const [name, entry] of Object.entries(config.mcpServers)) {
    const old = known.get(name);
    if (old !== undefined && isSameUpstream(old.config, entry)) upstreams.set(name, old);
    else upstreams.set(name, Object.freeze({ name, config: entry, generation: old?.generation ?? 0 }));
  }
  return upstreams;
}
