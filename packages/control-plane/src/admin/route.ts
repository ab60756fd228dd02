import type { Clock, Logger, Status, Store } from '@signalbox/core';
import type { z } from 'zod';
import type { JournalRing } from '../journal-ring.ts';
import type { LearningPart } from '../learning-part.ts';
import type { AuditPart, CachePart, MonitorPart, StoragePart } from '../parts.ts';
import type { RecordedState } from '../recorded-state/recorded-state.ts';
import type { OperationId } from './access.ts';
import type { LiveEvents } from './live-events.ts';
import type { AdminPrincipal, Principals } from './principals.ts';

/** What routes work with. They touch it only when they answer. */
export interface AdminParts {
  readonly state: RecordedState;
  readonly status: Status;
  readonly store: Store;
  readonly principals: Principals;
  readonly events: LiveEvents;
  readonly journal: Pick<JournalRing, 'page'> | undefined;
  readonly audit: AuditPart | undefined;
  readonly monitor: MonitorPart | undefined;
  readonly caches: CachePart | undefined;
  readonly storage: StoragePart | undefined;
  readonly learning: LearningPart | undefined;
  /** What the gateway says of itself. */
  readonly about: () => { readonly version: string; readonly pid: number; readonly uptimeSeconds: number; readonly address: string | null };
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RouteInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly principal: AdminPrincipal;
  /** From `If-Match`. */
  readonly precondition: { readonly ifVersion?: number | undefined };
  header(name: string): string | undefined;
}

export interface RouteOptions<Params extends z.ZodType, Query extends z.ZodType, Body extends z.ZodType> {
  readonly id: OperationId;
  readonly method: 'get' | 'post' | 'delete';
  /** Behind the prefix, parameters in braces. */
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** An empty body stands for `{}`. */
  readonly isBodyOptional?: boolean;
  /** Its answer carries the version of the state as its entity tag. */
  readonly isTagged?: boolean;
  readonly answer: { readonly status?: number; readonly description: string; readonly schema?: z.ZodType; readonly mediaType?: string };
  /** Statuses of problems beside 400, 401, 403 and 500. */
  readonly problems?: readonly number[];
  /** @returns the body, or a whole response. */
  run(input: RouteInput<z.output<Params>, z.output<Query>, z.output<Body>>): unknown;
}

/** A route as the router sees it. */
export type AdminRoute = Omit<RouteOptions<z.ZodType, z.ZodType, z.ZodType>, 'run'> & {
  run(input: RouteInput<unknown, unknown, unknown>): unknown;
};

/** Declares a route. What comes in is checked by its schemas before it runs. */
export function defineRoute<
  Params extends z.ZodType = z.ZodObject<Record<never, never>>,
  Query extends z.ZodType = z.ZodObject<Record<never, never>>,
  Body extends z.ZodType = z.ZodUndefined,
>(options: RouteOptions<Params, Query, Body>): AdminRoute {
  return options as unknown as AdminRoute;
}
