import { readRuntimeFile, type RuntimeFile, type StatusBody } from '@signalbox/control-plane';
import { GatewayError } from '@signalbox/core';
import { createAdminRequests, TOKEN_VARIABLE, type AdminRequests } from './admin-requests.ts';
import type { CommandContext } from './context.ts';
import { nothingFound } from './failures.ts';
import { locateConfig, locateData } from './locations.ts';

/** A gateway that runs on this machine, reached by its admin API. */
export interface RunningGateway extends AdminRequests {
  readonly runtime: RuntimeFile;
  /** What it said of itself when it was found. */
  readonly status: StatusBody;
}

/**
 * The gateway that uses a data folder, or `undefined` when none runs or it is gone without a word.
 * @param token Is sent in place of the one in the data folder.
 */
export async function findRunning(dataDir: string, token?: string): Promise<RunningGateway | undefined> {
  const runtime = await readRuntimeFile(dataDir);
  if (runtime === undefined) return undefined;
  const requests = createAdminRequests({ ...runtime, token: token ?? runtime.token });
  try {
    const status = await requests.get<StatusBody>('/status');
    return { runtime, status, ...requests };
  } catch (error) {
    // The number of its process may have gone to another one.
    if (error instanceof GatewayError && error.data?.['refused'] === true) return undefined;
    throw error;
  }
}

/** The gateway the options of a command lead to. @throws GatewayError `NOT_FOUND` when none runs. */
export async function requireRunning(context: CommandContext): Promise<RunningGateway> {
  const dataDir = await locateRunningData(context);
  const running = await findRunning(dataDir, adminTokenOf(context));
  if (running !== undefined) return running;
  throw nothingFound(
    `No gateway is running (looked in "${dataDir}")`,
    'Start one with "signalbox serve", or name the data folder of one that runs with --data',
  );
}

/** The token someone has of their own for the admin API. */
export function adminTokenOf({ env }: CommandContext): string | undefined {
  return env[TOKEN_VARIABLE] || undefined;
}

/** The data folder the options of a command lead to; with `--data` no configuration is needed. */
export async function locateRunningData(context: CommandContext): Promise<string> {
  return locateData(context, context.options.data === undefined ? await locateConfig(context) : '');
}

/** How long a gateway has been listening, in milliseconds. */
export function uptimeMsOf({ startedAt }: RuntimeFile): number {
  return Math.max(0, Date.now() - Date.parse(startedAt));
}
