import { GatewayError } from '@signalbox/core';

/** @throws GatewayError `NOT_FOUND` for a part that this gateway does without. */
export function required<Part>(part: Part | undefined, what: string): Part {
  if (part === undefined) throw new GatewayError('NOT_FOUND', `${what} is off in this gateway`);
  return part;
}
