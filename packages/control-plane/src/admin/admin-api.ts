import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono, type Context } from 'hono';
import {
  GatewayError,
  selectUpstreams,
  silentLogger,
  systemClock,
  type Clock,
  type Logger,
  type Status,
  type UpstreamStatus,
} from '@signalbox/core';
import {
  ADMIN_PREFIX,
  type CallsBody,
  type ConfigBody,
  type LogsBody,
  type ReloadBody,
  type RestartBody,
  type StatusBody,
  type UpstreamBody,
  type UpstreamsBody,
} from '../contract.ts';
import { unknownUpstream, type DesiredState, type Precondition } from '../desired-state/desired-state.ts';
import { renderDiff } from '../desired-state/diff-config.ts';
import { maskConfig } from '../desired-state/mask-config.ts';
import type { Reload } from '../desired-state/reload-config.ts';
import type { JournalRing } from '../journal-ring.ts';
import { toProblemResponse } from './problem.ts';

export interface AdminApiOptions {
  readonly state: DesiredState;
  readonly status: Status;
  /** Without one there are no calls to show. */
  readonly journal?: Pick<JournalRing, 'recent'>;
  readonly reload: Reload;
  /** What every request must carry as its bearer token. */
  readonly token: string;
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
}

/** The API that commands and panels use to look at the gateway and to steer it. Its bodies are in `contract.ts`. */
export function createAdminApi(options: AdminApiOptions): AdminApi {
  const { state, journal, reload, logger = silentLogger, clock = systemClock } = options;
  const { startedAtMs = clock.monotonic() } = options;
  const app = new Hono();
  const root = app.basePath(ADMIN_PREFIX);

  const route = (method: 'GET' | 'POST', path: string, answer: (context: Context) => Response | Promise<Response>): void => {
    root.on(method, path, answer);
    root.all(path, (context) => {
      throw new GatewayError('METHOD_NOT_ALLOWED', `Cannot ${context.req.method} "${context.req.path}": only ${method} is allowed`);
    });
  };
  const find = (context: Context): UpstreamStatus => {
    const name = context.req.param('name') ?? '';
    const upstreams = options.status.upstreams();
    const found = upstreams.find((upstream) => upstream.name === name);
    if (found !== undefined) return found;
    throw unknownUpstream(
      name,
      upstreams.map((upstream) => upstream.name),
    );
  };

  app.use(async (context, next) => {
    authenticate(context.req.header('authorization'), options.token);
    await next();
  });
  const tag = (context: Context): void => context.header('etag', `"${state.current.version}"`);
  route('GET', '/status', (context) => {
    const body: StatusBody = {
      version: options.version,
      pid: options.pid ?? process.pid,
      uptimeSeconds: Math.floor((clock.monotonic() - startedAtMs) / 1000),
      address: options.address?.() ?? null,
      stateVersion: state.current.version,
      sessions: options.status.sessions(),
      upstreams: options.status.upstreams(),
      virtualServers: options.status.virtualServers(),
    };
    tag(context);
    return context.json(body);
  });
  route('GET', '/upstreams', (context) => {
    const { kind, capability } = context.req.query();
    const selection = { kind, capability, tags: context.req.queries('tag') };
    const body: UpstreamsBody = { upstreams: selectUpstreams(options.status.upstreams(), selection) };
    return context.json(body);
  });
  route('GET', '/upstreams/:name', (context) => context.json(find(context) satisfies UpstreamBody));
  route('GET', '/upstreams/:name/logs', (context) => {
    const { name, stderr } = find(context);
    const body: LogsBody = { name, lines: stderr.slice(-parseCount(context, 'lines')) };
    return context.json(body);
  });
  route('POST', '/upstreams/:name/restart', (context) => {
    const name = context.req.param('name') ?? '';
    state.restart(name, readPrecondition(context));
    const body: RestartBody = { name, generation: state.current.upstreams.get(name)!.generation };
    tag(context);
    return context.json(body, 202);
  });
  route('POST', '/reload', async (context) => {
    const diff = await reload('asked for', readPrecondition(context));
    const body: ReloadBody = { diff, lines: renderDiff(diff) };
    tag(context);
    return context.json(body);
  });
  route('GET', '/config', (context) => {
    const { version, config } = state.current;
    tag(context);
    const body: ConfigBody = { version, config: maskConfig(config) };
    return context.json(body);
  });
  route('GET', '/calls', (context) => {
    const body: CallsBody = { calls: journal?.recent(parseCount(context, 'limit')) ?? [] };
    return context.json(body);
  });
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
  };
}

function authenticate(header: string | undefined, token: string): void {
  const given = /^Bearer +(\S+)$/i.exec(header ?? '')?.[1];
  // Hashes have one length whatever was sent, so that comparing them tells nothing by its duration.
  const isRight = timingSafeEqual(hash(given ?? ''), hash(token));
  if (given === undefined)
    throw new GatewayError('UNAUTHENTICATED', 'The admin API needs a bearer token; it is in "gateway.json" in the data folder');
  if (!isRight) throw new GatewayError('UNAUTHENTICATED', 'The bearer token is not the one of this gateway');
}

// The version of the wanted state is its entity tag.
function readPrecondition(context: Context): Precondition {
  const text = context.req.header('if-match');
  if (text === undefined || text === '*') return {};
  const [, version] = /^"(\d{1,15})"$/.exec(text) ?? [];
  if (version === undefined)
    throw new GatewayError('INVALID_PARAMS', `"If-Match" must be "*" or one entity tag as the API gives them, not ${JSON.stringify(text)}`);
  return { ifVersion: Number(version) };
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function parseCount(context: Context, name: string): number {
  const text = context.req.query(name) ?? '100';
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 10_000)
    throw new GatewayError('INVALID_PARAMS', `"${name}" must be a whole number from 1 to 10000, not "${text}"`);
  return count;
}
