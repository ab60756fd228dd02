import {
  parseGatewayConfig,
  type Clock,
  type DesiredUpstream,
  type GatewayConfig,
  type Logger,
  type Snapshot,
  type State,
} from '@signalbox/core';
import { openMemory } from '@signalbox/protocol';
import type { Opened, OpenOptions } from '../upstreams/open-connection.ts';
import { areResultsKept } from './result-policy.ts';
import type { ResultStore } from './result-store.ts';

/** The upstream whose tools read large results. No configuration can name one like it. */
export const RESULTS_UPSTREAM = '@results';

/** The wanted state with one more upstream behind all others, as long as large results are kept anywhere. */
export function withResultsUpstream(state: State): State {
  const extended = new WeakMap<Snapshot, Snapshot>();
  let upstream: DesiredUpstream | undefined;
  const extend = (snapshot: Snapshot): Snapshot => {
    if (!areResultsKept(snapshot.config)) return snapshot;
    let next = extended.get(snapshot);
    if (next === undefined) {
      upstream ??= { name: RESULTS_UPSTREAM, config: upstreamConfig(), generation: 0 };
      next = { ...snapshot, upstreams: new Map(snapshot.upstreams).set(RESULTS_UPSTREAM, upstream) };
      extended.set(snapshot, next);
    }
    return next;
  };
  return {
    get current() {
      return extend(state.current);
    },
    watch: (listener) => state.watch((next, previous) => listener(extend(next), extend(previous))),
  };
}

export interface ResultsUpstreamParts {
  readonly store: ResultStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly isRegExpLinear: boolean;
}

/** Opens the upstream. What it needs is loaded now and not before. */
export async function openResults(parts: ResultsUpstreamParts, { onNotification }: OpenOptions): Promise<Opened> {
  const [{ createModuleHandler }, { createResultModule }] = await Promise.all([import('@signalbox/tools'), import('./result-tools.ts')]);
  const handler = createModuleHandler(createResultModule(parts), { logger: parts.logger, isChecked: true });
  const connection = openMemory(handler, { upstream: RESULTS_UPSTREAM, onNotification, clock: parts.clock });
  return { connection, pid: undefined, stderr: () => [] };
}

function upstreamConfig(): GatewayConfig['mcpServers'][string] {
  const name = RESULTS_UPSTREAM.slice(1);
  return parseGatewayConfig({ mcpServers: { [name]: { module: RESULTS_UPSTREAM, results: { disabled: true } } } }).mcpServers[name]!;
}
