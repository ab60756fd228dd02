import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { StatusBody } from '../../../packages/control-plane/src/contract.ts';
import { eventually } from './eventually.ts';
import type { RunningGateway } from './gateway.ts';

type UpstreamStatus = StatusBody['upstreams'][number];

/** Asks the admin API as the commands do: with the address and the token from the data folder. */
export async function askAdmin(
  dataDir: string,
  route: string,
  method: 'GET' | 'POST' | 'DELETE' = 'GET',
  { body, token: own, headers }: { readonly body?: unknown; readonly token?: string; readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  const { adminUrl, token } = JSON.parse(await readFile(path.join(dataDir, 'gateway.json'), 'utf8')) as { adminUrl: string; token: string };
  return fetch(new URL(`/api/v1${route}`, adminUrl), {
    method,
    headers: { authorization: `Bearer ${own ?? token}`, ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
}

/** What a running gateway says of itself. */
export async function readStatus({ dataDir }: Pick<RunningGateway, 'dataDir'>): Promise<StatusBody> {
  const response = await askAdmin(dataDir, '/status');
  if (!response.ok) throw new Error(`The admin API answered with ${response.status}: ${await response.text()}`);
  return (await response.json()) as StatusBody;
}

/** Waits until an upstream is in a state, and returns what is known of it then. */
export async function untilState(
  gateway: Pick<RunningGateway, 'dataDir'>,
  name: string,
  state: UpstreamStatus['state'],
  isMeant: (upstream: UpstreamStatus) => boolean = () => true,
): Promise<UpstreamStatus> {
  return eventually(`"${name}" is ${state}`, async () => {
    const { upstreams } = await readStatus(gateway);
    return upstreams.find((upstream) => upstream.name === name && upstream.state === state && isMeant(upstream));
  });
}
