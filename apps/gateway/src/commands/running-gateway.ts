import { ADMIN_PREFIX, readRuntimeFile, type ProblemBody, type RuntimeFile, type StatusBody } from '@signalbox/control-plane';
import { GatewayError, isObject, toMessage } from '@signalbox/core';
import type { CommandContext } from './context.ts';
import { commandFailure, nothingFound } from './failures.ts';
import { locateConfig, locateData } from './locations.ts';

const ANSWER_MS = 10_000;

/** A gateway that runs on this machine, reached by its admin API. */
export interface RunningGateway {
  readonly runtime: RuntimeFile;
  /** What it said of itself when it was found. */
  readonly status: StatusBody;
  /** @throws GatewayError as the admin API answers, or `UPSTREAM_UNAVAILABLE` when it does not. */
  get<Body>(path: string): Promise<Body>;
  post<Body>(path: string): Promise<Body>;
}

/** The gateway that uses a data folder, or `undefined` when none runs or it is gone without a word. */
export async function findRunning(dataDir: string): Promise<RunningGateway | undefined> {
  const runtime = await readRuntimeFile(dataDir);
  if (runtime === undefined) return undefined;
  const get = <Body>(path: string) => ask<Body>(runtime, 'GET', path);
  try {
    const status = await get<StatusBody>('/status');
    return { runtime, status, get, post: (path) => ask(runtime, 'POST', path) };
  } catch (error) {
    // The number of its process may have gone to another one.
    if (error instanceof GatewayError && error.data?.['refused'] === true) return undefined;
    throw error;
  }
}

/** The gateway the options of a command lead to. @throws GatewayError `NOT_FOUND` when none runs. */
export async function requireRunning(context: CommandContext): Promise<RunningGateway> {
  const dataDir = await locateRunningData(context);
  const running = await findRunning(dataDir);
  if (running !== undefined) return running;
  throw nothingFound(
    `No gateway is running (looked in "${dataDir}")`,
    'Start one with "signalbox serve", or name the data folder of one that runs with --data',
  );
}

/** The data folder the options of a command lead to; with `--data` no configuration is needed. */
export async function locateRunningData(context: CommandContext): Promise<string> {
  return locateData(context, context.options.data === undefined ? await locateConfig(context) : '');
}

/** How long a gateway has been listening, in milliseconds. */
export function uptimeMsOf({ startedAt }: RuntimeFile): number {
  return Math.max(0, Date.now() - Date.parse(startedAt));
}

async function ask<Body>({ adminUrl, token, pid }: RuntimeFile, method: 'GET' | 'POST', path: string): Promise<Body> {
  const address = new URL(`${ADMIN_PREFIX}${path}`, adminUrl);
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(address, { method, headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(ANSWER_MS) });
    body = JSON.parse(await response.text());
  } catch (cause) {
    if (isRefused(cause))
      throw new GatewayError('UPSTREAM_UNAVAILABLE', `Nothing listens at "${address.origin}"`, { cause, data: { refused: true } });
    throw commandFailure(`Cannot ask the gateway at "${address.origin}" (process ${pid}): ${toMessage(cause)}`, {
      cause,
      hint: 'If it hangs, end that process and start it again with "signalbox serve"',
    });
  }
  if (response.ok) return body as Body;
  throw toError(body, response.status);
}

function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return isObject(cause) && cause['code'] === 'ECONNREFUSED';
}

function toError(body: unknown, status: number): GatewayError {
  const { code, detail, problems } = (isObject(body) ? body : {}) as Partial<ProblemBody>;
  const data = { ...(problems !== undefined && { problems }) };
  return new GatewayError(code ?? 'INTERNAL', detail ?? `The gateway answered with status ${status}`, { data });
}
