import type { GatewayConfig } from '@signalbox/core';
import type { DesiredState, Precondition } from './desired-state.ts';
import type { ConfigDiff } from './diff-config.ts';

/** Reads the configuration again and applies it. Rejects, and changes nothing, when it is invalid or the precondition fails. */
export type Reload = (reason: string, precondition?: Precondition) => Promise<ConfigDiff>;

export interface ReloadOptions {
  readonly load: () => Promise<GatewayConfig>;
  readonly state: Pick<DesiredState, 'apply'>;
}

/** Returns the one way to reload, for the watcher and the admin API alike: reloads run one after the other, so the newest text wins. */
export function createReload({ load, state }: ReloadOptions): Reload {
  let last: Promise<unknown> = Promise.resolve();
  return (reason, precondition) => {
    const next = last.then(async () => state.apply(await load(), { reason, ...precondition }));
    last = Promise.allSettled([next]);
    return next;
  };
}
