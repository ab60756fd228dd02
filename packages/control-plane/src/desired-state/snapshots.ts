import { silentLogger, toMessage, type DesiredUpstream, type GatewayConfig, type Logger, type Snapshot, type State } from '@signalbox/core';
import { isSameUpstream } from './diff-config.ts';

/** What a snapshot is made of. */
export interface SnapshotParts {
  readonly version: number;
  readonly config: GatewayConfig;
  /** Restarts that were asked for, by name; 0 where a name is missing. */
  readonly generations: Readonly<Record<string, number>>;
}

export interface Snapshots extends State {
  /** Puts a snapshot in the place of the current one and tells everyone. */
  replace(parts: SnapshotParts): void;
}

type Listener = (next: Snapshot, previous: Snapshot) => void;

/**
 * Holds one immutable snapshot. An upstream whose entry and generation are unchanged keeps its identical `DesiredUpstream`,
 * so comparing objects tells what to restart. Switched-off upstreams are part of it.
 */
export function createSnapshots(initial: SnapshotParts, { logger = silentLogger }: { readonly logger?: Logger } = {}): Snapshots {
  let current = toSnapshot(initial, new Map());
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

  return {
    get current() {
      return current;
    },
    watch: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    replace: (parts) => {
      const previous = current;
      current = toSnapshot(parts, previous.upstreams);
      changes.push([current, previous]);
      tell();
    },
  };
}

function toSnapshot({ version, config, generations }: SnapshotParts, known: ReadonlyMap<string, DesiredUpstream>): Snapshot {
  const upstreams = new Map<string, DesiredUpstream>();
  for (const [name, entry] of Object.entries(config.mcpServers)) {
    const old = known.get(name);
    const generation = Object.hasOwn(generations, name) ? generations[name]! : 0;
    if (old?.generation === generation && isSameUpstream(old.config, entry)) upstreams.set(name, old);
    else {
      // A restart alone leaves the entry the same object.
      const kept = old !== undefined && isSameUpstream(old.config, entry) ? old.config : entry;
      upstreams.set(name, Object.freeze({ name, config: kept, generation }));
    }
  }
  return Object.freeze({ version, config, upstreams });
}
