import { GatewayError, createNameMatcher, type Clock, type UpstreamConfig } from '@signalbox/core';
import type { Upstream } from '../upstreams/upstream.ts';
import type { TargetedStage } from './call-stages.ts';

export interface AdmitOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly clock: Clock;
  /** Calls in the gateway at once, over all upstreams. */
  readonly maxInFlight: number;
}

/** Lets a call through when its upstream has a slot for it, in the order of priority, and refuses what cannot be served. */
export function admit(options: AdmitOptions): TargetedStage {
  let inFlight = 0;
  const laneOf = createLanes();
  return (call, next) => {
    const upstream = options.upstream(call.target.upstream);
    if (upstream === undefined)
      throw new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot call "${call.target.upstream}": it was removed`, {
        data: { upstream: call.target.upstream, state: 'stopped', sent: false },
      });
    if (inFlight >= options.maxInFlight) {
      throw new GatewayError('OVERLOADED', `Cannot take more calls: ${options.maxInFlight} are in flight; try again later`, {
        data: { phase: 'queue', sent: false },
      });
    }
    const { config } = upstream.desired;
    // Who waits for a task must not stand in the way of who wants to end it.
    const lane = call.task === undefined ? laneOf(config, call.target.name) : undefined;
    const askedAtMs = options.clock.monotonic();
    let sentAtMs = askedAtMs;
    const waitMs = Math.min(config.timeouts.callMs, call.deadlineMs - askedAtMs);
    const release = () => {
      inFlight--;
      call.trace.upstreamMs += options.clock.monotonic() - sentAtMs;
      upstream.queue.release(lane);
    };
    const run = () => {
      if (call.trace.sentAtMs === 0) call.trace.sentAtMs = sentAtMs;
      let outcome;
      try {
        outcome = next(call);
      } catch (error) {
        release();
        throw error;
      }
      if (!(outcome instanceof Promise)) {
        release();
        return outcome;
      }
      return outcome.then(
        (value) => {
          release();
          return value;
        },
        (error: unknown) => {
          release();
          throw error;
        },
      );
    };
    inFlight++;
    const taken = upstream.queue.take({ priority: call.priority, lane, waitMs, cancellation: call.cancellation });
    if (taken === undefined) return run();
    const endWait = () => {
      sentAtMs = options.clock.monotonic();
      call.trace.queuedMs += sentAtMs - askedAtMs;
    };
    return (taken as Promise<void>).then(
      () => {
        endWait();
        return run();
      },
      (error: unknown) => {
        inFlight--;
        endWait();
        throw error;
      },
    );
  };
}

function createLanes(): (config: UpstreamConfig, tool: string) => string | undefined {
  const matchers = new WeakMap<readonly string[], (name: string) => boolean>();
  return (config, tool) => {
    const { sequential } = config;
    if (typeof sequential === 'boolean') return sequential ? '*' : undefined;
    let matches = matchers.get(sequential);
    if (matches === undefined) matchers.set(sequential, (matches = createNameMatcher(sequential)));
    return matches(tool) ? tool : undefined;
  };
}
