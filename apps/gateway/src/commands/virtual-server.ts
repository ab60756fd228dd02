import { nearestOf } from '@signalbox/core';
import type { RequestHandler } from '@signalbox/protocol';
import type { Gateway } from '../gateway.ts';
import { nothingFound } from './failures.ts';

/** What was found under the name of a virtual server. @throws GatewayError `NOT_FOUND` naming the nearest one when that is nothing. */
export function requireServer<Found>(found: Found | undefined, name: string, known: readonly string[]): Found {
  if (found !== undefined) return found;
  const nearest = nearestOf(name, known);
  const list = known.map((each) => `"${each}"`).join(', ');
  const hint = known.length === 0 ? 'Add it to "virtualServers" in the configuration' : `There are ${list}`;
  throw nothingFound(`There is no virtual server "${name}"`, nearest === undefined ? hint : `Did you mean "${nearest}"?`);
}

/**
 * What answers for a gateway of this process: everything, or one virtual server.
 * Closes the gateway when there is none of that name. @throws GatewayError `NOT_FOUND`
 */
export async function openHandler(gateway: Gateway, name: string | undefined): Promise<RequestHandler> {
  if (name === undefined) return gateway.handler;
  const found = gateway.server(name);
  const known = gateway.status.virtualServers().map((server) => server.name);
  if (found === undefined) await gateway.close(0);
  return requireServer(found, name, known);
}
