import { GatewayError, isolatedMaxOf, type DesiredUpstream } from '@signalbox/core';

/** Nothing was sent. */
export function noPlace({ name, config }: DesiredUpstream, waitMs: number): GatewayError {
  return new GatewayError(
    'OVERLOADED',
    `Cannot open another connection to "${name}": all ${isolatedMaxOf(config)} for single clients were in use for ${Math.round(waitMs)} ms; raise "isolation.max" or share one with "isolation.mode"`,
    { data: { upstream: name, phase: 'connect', sent: false } },
  );
}

/** Nothing was sent. */
export function notReached({ name }: DesiredUpstream, reason: string, cause?: unknown): GatewayError {
  const inner = cause instanceof GatewayError ? cause.data : undefined;
  return new GatewayError('UPSTREAM_UNAVAILABLE', `Cannot reach upstream "${name}": ${reason}`, {
    cause,
    data: { phase: 'connect', ...inner, upstream: name, sent: false },
  });
}
