import { Hono, type Context } from 'hono';
import type { z } from 'zod';
import { GatewayError, silentLogger, systemClock, type Clock, type Logger, type Status, type Store } from '@signalbox/core';
import { ADMIN_PREFIX } from '../contract.ts';
import type { JournalRing } from '../journal-ring.ts';
import type { LearningPart } from '../learning-part.ts';
import type { AuditPart, CachePart, MonitorPart, StoragePart } from '../parts.ts';
import type { RecordedState } from '../recorded-state/recorded-state.ts';
import { checkRole } from './access.ts';
import { createRunOnce } from './idempotency.ts';
import { createLiveEvents, type LiveEvents } from './live-events.ts';
import { createAdminDocument, describeRoute } from './openapi.ts';
import { createPrincipals, type AdminPrincipal } from './principals.ts';
import { toProblemResponse } from './problem.ts';
import { parseJson, readBody } from './read-body.ts';
import type { AdminParts, AdminRoute } from './route.ts';
import { allRoutes } from './routes/all-routes.ts';

export interface AdminApiOptions {
  readonly state: RecordedState;
  readonly status: Status;
  /** Keeps idempotency keys. */
  readonly store: Store;
  /** Without one there are no calls to show. */
  readonly journal?: Pick<JournalRing, 'page' | 'watch'>;
  readonly audit?: AuditPart;
  readonly monitor?: MonitorPart;
  readonly caches?: CachePart;
  readonly storage?: StoragePart;
  /** Absent while nothing is learned. */
  readonly learning?: LearningPart;
  /** The bearer token of the owner. */
  readonly token: string;
  /** Where the tokens of others who may use the API are looked up. Default: nowhere. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** The process that stands for the gateway. Default: this one. */
  readonly pid?: number;
  /** Of the gateway, as it states it. */
  readonly version: string;
  /** Where clients reach the gateway, once that is known. */
  readonly address?: () => string | undefined;
  /** When the gateway started, on the monotonic clock. Default: now. */
  readonly startedAtMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

export interface AdminApi {
  /** Answers one request; failures are answered as problem details. */
  fetch(request: Request): Promise<Response>;
  /** Ends the streams that are open. */
  close(): void;
}

type Env = { Variables: { principal: AdminPrincipal } };

/** The API that commands and panels use to look at the gateway and to steer it. Its contract is `openapi.json`. */
export function createAdminApi(options: AdminApiOptions): AdminApi {
  const { logger = silentLogger } = options;
  const parts = toParts(options);
  let document: ReturnType<typeof createAdminDocument> | undefined;
  const routes = [...allRoutes(parts), describeRoute(() => (document ??= createAdminDocument()))];
  const runOnce = createRunOnce(parts);
  const app = new Hono<Env>();
  const root = app.basePath(ADMIN_PREFIX);

  app.use(async (context, next) => {
    context.set('principal', parts.principals.identify(context.req.header('authorization')));
    await next();
  });
  for (const route of routes) {
    root.on(route.method.toUpperCase(), toHonoPath(route.path), async (context) => {
      const principal = context.get('principal');
      checkRole(route.id, principal);
      const body = route.method === 'get' ? '' : await readBody(context.req.raw);
      const run = () => answer(route, { context, body, parts });
      const key = route.method === 'get' ? undefined : context.req.header('idempotency-key');
      if (key === undefined) return run();
      const { url } = context.req;
      const request = [route.method, url.slice(url.indexOf(ADMIN_PREFIX)), context.req.header('if-match') ?? '', body];
      return runOnce({ key, principal: `${principal.role} ${principal.name}`, request }, async () => {
        try {
          return await run();
        } catch (error) {
          return toProblemResponse(error, logger);
        }
      });
    });
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map(({ method }) => method.toUpperCase());
    root.all(toHonoPath(path), (context) => {
      const { method, path: asked } = context.req;
      throw new GatewayError(
        'METHOD_NOT_ALLOWED',
        `Cannot ${method} "${asked}": only ${methods.join(' and ')} ${methods.length === 1 ? 'is' : 'are'} allowed`,
      );
    });
  }
  app.notFound((context) => {
    throw new GatewayError('NOT_FOUND', `There is nothing at "${context.req.path}"`);
  });
  app.onError((error) => toProblemResponse(error, logger));

  return {
    fetch: async (request) => {
      const response = await app.fetch(request);
      response.headers.set('cache-control', 'no-store');
      response.headers.set('x-content-type-options', 'nosniff');
      return response;
    },
    close: () => parts.events.close(),
  };
}

function toParts(options: AdminApiOptions): AdminParts {
  const { state, status, store, journal, token, environment = {}, logger = silentLogger, clock = systemClock } = options;
  const { startedAtMs = clock.monotonic(), audit, monitor, caches, storage, learning } = options;
  const events: LiveEvents = createLiveEvents({ state, status, journal, learning, clock });
  return {
    state,
    status,
    store,
    journal,
    events,
    audit,
    monitor,
    caches,
    storage,
    learning,
    principals: createPrincipals({ token, environment, admin: () => state.current.config.admin }),
    about: () => ({
      version: options.version,
      pid: options.pid ?? process.pid,
      uptimeSeconds: Math.floor((clock.monotonic() - startedAtMs) / 1000),
      address: options.address?.() ?? null,
    }),
    clock,
    logger,
  };
}

interface Asked {
  readonly context: Context<Env>;
  readonly body: string;
  readonly parts: AdminParts;
}

async function answer(route: AdminRoute, { context, body: text, parts }: Asked): Promise<Response> {
  const { req } = context;
  const hasBody = route.body !== undefined && !(text === '' && route.isBodyOptional === true);
  const body = hasBody ? parseJson(text, req.header('content-type') ?? null) : {};
  const result = await route.run({
    params: check(route.params, req.param(), 'path'),
    query: check(route.query, queryOf(req.queries()), 'query'),
    body: route.body === undefined ? undefined : check(route.body, body, 'body'),
    principal: context.get('principal'),
    precondition: readPrecondition(req.header('if-match')),
    header: (name) => req.header(name),
  });
  if (result instanceof Response) return result;
  if (route.isTagged === true) context.header('etag', `"${parts.state.current.version}"`);
  return context.json(result as object, (route.answer.status ?? 200) as 200);
}

function check(schema: z.ZodType | undefined, value: unknown, place: string): unknown {
  if (schema === undefined) return value;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => toProblems(issue, place));
  const [first] = problems;
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  throw new GatewayError('INVALID_PARAMS', `Cannot use the request: ${first!.path} ${first!.message}${more}`, { data: { problems } });
}

function toProblems(issue: z.core.$ZodIssue, place: string): { readonly path: string; readonly message: string }[] {
  const path = [place, ...issue.path.map(String)].join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => ({ path: `${path}.${key}`, message: 'is not known here' }));
  return [{ path, message: issue.message.charAt(0).toLowerCase() + issue.message.slice(1) }];
}

// What is given once is a text, what is given several times a list.
function queryOf(queries: Readonly<Record<string, readonly string[]>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(queries).map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

// The version of the wanted state is its entity tag.
function readPrecondition(text: string | undefined): { readonly ifVersion?: number } {
  if (text === undefined || text === '*') return {};
  const [, version] = /^"(\d{1,15})"$/.exec(text) ?? [];
  if (version === undefined)
    throw new GatewayError('INVALID_PARAMS', `"If-Match" must be "*" or one entity tag as the API gives them, not ${JSON.stringify(text)}`);
  return { ifVersion: Number(version) };
}

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}
