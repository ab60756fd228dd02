import { GatewayError, type Answer, type Awaitable, type Clock } from '@signalbox/core';
import type { Connection } from '@signalbox/protocol';
import type { TargetedCall } from '../stages/call-stages.ts';
import type { Upstream } from './upstream.ts';

export interface SendOptions {
  readonly upstream: (name: string) => Upstream | undefined;
  readonly clock: Clock;
}

/** Takes the upstream's connection and sends the call over it: the one place that does. */
export function createSend(options: SendOptions): (call: TargetedCall) => Awaitable<Answer> {
  return (call) => {
    const upstream = options.upstream(call.target.upstream);
    if (upstream === undefined)
      throw new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot call "${call.target.upstream}": it was removed`, {
        data: { upstream: call.target.upstream, state: 'stopped', sent: false },
      });
    if (call.client.logLevel !== 'off' && call.emit !== undefined) upstream.wishes.wantLogLevel(call.client.logLevel);
    const { timeouts } = upstream.desired.config;
    const leftMs = call.deadlineMs - options.clock.monotonic();
    if (leftMs <= 0)
      throw new GatewayError('DEADLINE_EXCEEDED', `Cannot call "${upstream.name}": its deadline passed while it waited`, {
        data: { upstream: upstream.name, phase: 'queue', sent: false },
      });
    const connection = upstream.connection(Math.min(leftMs, timeouts.spawnMs + timeouts.handshakeMs));
    const timeoutMs = Math.min(leftMs, timeouts.callMs);
    return connection instanceof Promise ? connection.then((open) => request(open, call, timeoutMs)) : request(connection, call, timeoutMs);
  };
}

function request(connection: Connection, call: TargetedCall, timeoutMs: number): Promise<Answer> {
  const { method, params, client, principal, session, ask, cancellation, emit, wantsProgress, sink } = call;
  const request = { method, params, client, principal, session, ask, cancellation, timeoutMs, emit, wantsProgress };
  return sink === undefined || connection.pour === undefined ? connection.request(request) : connection.pour(request, sink);
}
