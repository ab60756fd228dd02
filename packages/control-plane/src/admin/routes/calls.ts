import type { CallsBody } from '../../contract.ts';
import { parseCursor, toCursor } from '../cursor.ts';
import { EVENT_TYPES } from '../live-events.ts';
import { defineRoute, type AdminParts, type AdminRoute } from '../route.ts';
import { count, cursor, z } from '../schemas/common.ts';
import { callsBody } from '../schemas/observed.ts';

/** What passes through the gateway, and what happens to it. */
export function callRoutes(parts: AdminParts): AdminRoute[] {
  return [
    defineRoute({
      id: 'listCalls',
      method: 'get',
      path: '/calls',
      tag: 'Calls',
      summary: 'The newest calls, as far as they are remembered',
      query: z.strictObject({
        limit: count({ max: 10_000, fallback: 100 }),
        cursor,
        upstream: z.string().optional(),
        name: z.string().optional().describe('Public name of the tool or prompt, or the resource URI.'),
        status: z.enum(['ok', 'tool-error', 'rpc-error', 'gateway-error', 'cancelled']).optional(),
      }),
      answer: { description: 'The calls', schema: callsBody },
      run: ({ query: { cursor: at, ...query } }) => {
        const page = parts.journal?.page({ ...query, before: parseCursor('calls', at) });
        return { calls: page?.calls ?? [], next: toCursor('calls', page?.next) } satisfies CallsBody;
      },
    }),
    defineRoute({
      id: 'getEvents',
      method: 'get',
      path: '/events',
      tag: 'Calls',
      summary: 'What happens, as it happens',
      description:
        'Server-sent events. `hello` comes first; then `state` for each version, `upstream` and `upstream-removed` for changes of status, `sessions`, `call` for each finished call, and `anomaly` for what learning holds to be abnormal. With `Last-Event-ID` a reader hears what it missed, or `reset` when that is not known any more: read again what you show. A reader that does not keep up is dropped.',
      query: z.strictObject({
        types: z
          .string()
          .regex(
            new RegExp(`^(?:${EVENT_TYPES.join('|')})(?:,(?:${EVENT_TYPES.join('|')}))*$`),
            `must be some of ${EVENT_TYPES.join(', ')}`,
          )
          .optional()
          .describe(`Only these, with commas between: ${EVENT_TYPES.join(', ')}.`),
      }),
      answer: { description: 'The stream', mediaType: 'text/event-stream' },
      run: ({ query: { types }, header }) => {
        const wanted = types?.split(',') as (typeof EVENT_TYPES)[number][] | undefined;
        const stream = parts.events.subscribe({ last: header('last-event-id'), types: wanted });
        return new Response(stream, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
      },
    }),
  ];
}
