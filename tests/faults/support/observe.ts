import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { StatusBody } from '@signalbox/control-plane';
import type { UpstreamStatus } from '@signalbox/core';
import type { RunningGateway } from '../../e2e/support/gateway.ts';
import { residentBytes } from '../../e2e/support/process-tree.ts';
import { rpc, type Message, type RawSession } from '../../e2e/support/raw-client.ts';

/** What the admin API says of the gateway. */
export async function statusOf({ dataDir }: RunningGateway): Promise<StatusBody> {
  const { adminUrl, token } = await adminAccess(dataDir);
  const response = await fetch(new URL('/api/v1/status', adminUrl), { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as StatusBody;
}

/** What the admin API says of one upstream. */
export async function upstreamOf(gateway: RunningGateway, name: string): Promise<UpstreamStatus> {
  const { upstreams } = await statusOf(gateway);
  return upstreams.find((upstream) => upstream.name === name)!;
}

/** Where the admin API is and what opens it. */
export async function adminAccess(dataDir: string): Promise<{ readonly adminUrl: string; readonly token: string }> {
  return JSON.parse(await readFile(path.join(dataDir, 'gateway.json'), 'utf8')) as { adminUrl: string; token: string };
}

/** Looks again and again until `isThere` accepts what it sees. @throws Error with the last look when that takes too long. */
export async function eventually<Seen>(
  look: () => Seen | Promise<Seen>,
  isThere: (seen: Seen) => boolean,
  timeoutMs = 10_000,
): Promise<Seen> {
  const endAt = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (performance.now() > endAt) throw new Error(`Not so after ${timeoutMs} ms; at last: ${JSON.stringify(seen)?.slice(0, 2000)}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
}

/** Waits until the upstream has reached a state. */
export function untilState(gateway: RunningGateway, name: string, ...states: readonly UpstreamStatus['state'][]): Promise<UpstreamStatus> {
  return eventually(
    () => upstreamOf(gateway, name),
    ({ state }) => states.includes(state),
  );
}

/** Calls a tool and returns what came back, an error included, with the time it took in milliseconds. */
export async function callTool(
  session: RawSession,
  name: string,
  args: Readonly<Record<string, unknown>> = { text: 'hi' },
): Promise<{
  readonly message: Message;
  readonly text: string | undefined;
  readonly error: CallError | undefined;
  readonly tookMs: number;
}> {
  const startedAt = performance.now();
  const message = await session.request('tools/call', { name, arguments: args });
  const content = message.result?.['content'] as readonly { readonly text: string }[] | undefined;
  return { message, text: content?.[0]?.text, error: message.error as CallError | undefined, tookMs: performance.now() - startedAt };
}

export interface CallError {
  readonly code: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Names of the tools a client sees. */
export async function toolNames(session: RawSession): Promise<string[]> {
  const { result } = await session.request('tools/list');
  const tools = result?.['tools'] as readonly { readonly name: string }[];
  return tools.map(({ name }) => name);
}

/**
 * Runs `work` while a good upstream is called without a pause.
 * @returns what `work` returned, the slowest of those calls in milliseconds, and the most memory the gateway had.
 */
export async function whileOthersAnswer<Result>(
  gateway: RunningGateway,
  work: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly slowestMs: number; readonly peakBytes: number }> {
  const session = rpc(gateway.url).modern();
  const seen = { isOver: false, slowestMs: 0, peakBytes: 0 };
  const working = work().finally(() => (seen.isOver = true));
  do {
    const { text, tookMs } = await callTool(session, 'echo', { text: 'undisturbed' });
    if (text !== 'undisturbed') throw new Error('The good upstream gave another answer');
    seen.slowestMs = Math.max(seen.slowestMs, tookMs);
    seen.peakBytes = Math.max(seen.peakBytes, residentBytes(gateway.pid));
  } while (!seen.isOver);
  return { result: await working, slowestMs: seen.slowestMs, peakBytes: seen.peakBytes };
}
