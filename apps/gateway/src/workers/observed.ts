import type { Record as CallRecord, Status, UpstreamStatus } from '@signalbox/core';
import type { Observed } from './messages.ts';

const SHOWN_LINES = 20;
/** What workers have each, and the gateway as their sum. */
type Summed = 'calls' | 'failures' | 'isolated' | 'openedAhead' | 'usedAhead' | 'inFlight' | 'queued';

/** What a worker observes, short enough to be told often. */
export function toObserved(status: Status, calls: readonly CallRecord[]): Observed {
  return {
    sessions: status.sessions(),
    upstreams: status.upstreams().map((upstream) => ({ ...upstream, stderr: upstream.stderr.slice(-SHOWN_LINES) })),
    virtualServers: status.virtualServers(),
    calls,
  };
}

/** The status of all workers together: states are the leader's, counts are sums. */
export class JointStatus implements Status {
  readonly #own: Status;
  readonly #others = new Map<string, Observed>();

  /** @param own Of the leader. */
  constructor(own: Status) {
    this.#own = own;
  }

  take(worker: string, observed: Observed): void {
    this.#others.set(worker, observed);
  }

  /** Forgets the workers that are not among these. */
  keep(workers: ReadonlySet<string>): void {
    for (const worker of this.#others.keys()) if (!workers.has(worker)) this.#others.delete(worker);
  }

  upstreams(): readonly UpstreamStatus[] {
    return this.#own.upstreams().map((upstream) => {
      const all = [
        upstream,
        ...[...this.#others.values()].flatMap(({ upstreams }) => upstreams.find(({ name }) => name === upstream.name) ?? []),
      ];
      const sum = (name: Summed) => all.reduce((total, each) => total + each[name], 0);
      return {
        ...upstream,
        calls: sum('calls'),
        failures: sum('failures'),
        isolated: sum('isolated'),
        openedAhead: sum('openedAhead'),
        usedAhead: sum('usedAhead'),
        inFlight: sum('inFlight'),
        queued: sum('queued'),
      };
    });
  }

  virtualServers(): ReturnType<Status['virtualServers']> {
    return this.#own.virtualServers();
  }

  sessions(): ReturnType<Status['sessions']> {
    const sums = { ...this.#own.sessions() };
    for (const { sessions } of this.#others.values()) {
      sums.open += sessions.open;
      sums.streams += sessions.streams;
    }
    return sums;
  }
}
