import { ADMIN_PREFIX, type ProblemBody } from '@signalbox/control-plane';
import { GatewayError, isObject, toMessage } from '@signalbox/core';
import { commandFailure } from './failures.ts';

const ANSWER_MS = 10_000;

/** The variable that holds a token of the admin API, for those who have a role of their own. */
export const TOKEN_VARIABLE = 'SIGNALBOX_ADMIN_TOKEN';

/** Requests to the admin API. Each fails with the GatewayError that the API answers, or `UPSTREAM_UNAVAILABLE` when it does not. */
export interface AdminRequests {
  get<Body>(path: string): Promise<Body>;
  post<Body>(path: string, body?: unknown): Promise<Body>;
  delete<Body>(path: string): Promise<Body>;
  /** The answer as it comes. @param options.waitMs Longest wait for its beginning. Default ten seconds. */
  open(method: 'GET' | 'POST', path: string, options?: { readonly body?: unknown; readonly waitMs?: number }): Promise<Response>;
}

export interface AdminAddress {
  readonly adminUrl: string;
  readonly token: string;
  /** The process that is asked, for messages. */
  readonly pid: number;
  /** Default: over HTTP. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Makes requests to the admin API at an address. */
export function createAdminRequests(address: AdminAddress): AdminRequests {
  const open = (method: string, path: string, options: { readonly body?: unknown; readonly waitMs?: number } = {}) =>
    send(address, toRequest(address, { method, path, ...options }));
  const read = async <Body>(method: string, path: string, body?: unknown): Promise<Body> =>
    (await (await open(method, path, { body })).json()) as Body;
  return {
    get: (path) => read('GET', path),
    post: (path, body) => read('POST', path, body),
    delete: (path) => read('DELETE', path),
    open,
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly waitMs?: number;
}

function toRequest({ adminUrl, token }: AdminAddress, { method, path, body, waitMs = ANSWER_MS }: Asked): Request {
  return new Request(new URL(`${ADMIN_PREFIX}${path}`, adminUrl), {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(waitMs),
  });
}

async function send({ adminUrl, pid, fetch: ask = fetch }: AdminAddress, request: Request): Promise<Response> {
  const { origin } = new URL(adminUrl);
  let response: Response;
  try {
    response = await ask(request);
  } catch (cause) {
    if (isRefused(cause))
      throw new GatewayError('UPSTREAM_UNAVAILABLE', `Nothing listens at "${origin}"`, { cause, data: { refused: true } });
    throw commandFailure(`Cannot ask the gateway at "${origin}" (process ${pid}): ${toMessage(cause)}`, {
      cause,
      hint: 'If it hangs, end that process and start it again with "signalbox serve"',
    });
  }
  if (response.ok) return response;
  throw await toError(response);
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return isObject(cause) && cause['code'] === 'ECONNREFUSED';
}

async function toError(response: Response): Promise<GatewayError> {
  const body: unknown = await response.json().catch(() => ({}));
  const { code, detail, problems } = (isObject(body) ? body : {}) as Partial<ProblemBody>;
  const hint =
    response.status === 401 ? `"${TOKEN_VARIABLE}" in the environment takes the place of the token in the data folder` : undefined;
  const data = { ...(problems !== undefined && { problems }), ...(hint !== undefined && { hint }) };
  return new GatewayError(code ?? 'INTERNAL', detail ?? `The gateway answered with status ${response.status}`, { data });
}
