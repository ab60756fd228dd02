import { setTimeout as delay } from 'node:timers/promises';
import type { RestartBody, StatusBody } from '@signalbox/control-plane';
import type { UpstreamStatus } from '@signalbox/core';
import { durationText } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { commandFailure } from './failures.ts';
import { requireRunning, type RunningGateway } from './running-gateway.ts';
import { adviceFor, offerText, reasonText } from './upstream-line.ts';

export interface RestartOptions {
  readonly upstream: string;
  readonly wait: boolean;
}

const POLL_MS = 50;
const WAIT_MS = 60_000;

/** Restarts one upstream of the running gateway and waits until it is ready or has failed. */
export async function restart(context: CommandContext, { upstream, wait }: RestartOptions): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  const before = running.status.upstreams.find(({ name }) => name === upstream);
  const startedAt = performance.now();
  const body = await running.post<RestartBody>(`/upstreams/${encodeURIComponent(upstream)}/restart`);
  if (!wait) {
    terminal.answer({ ...body, waited: false }, () => [`"${upstream}" is being restarted; "signalbox status" shows how it goes`]);
    return EXIT.ok;
  }
  const after = await waitForRestart(running, upstream, before);
  const tookMs = Math.round(performance.now() - startedAt);
  if (after.state === 'failed')
    throw commandFailure(`"${upstream}" failed after its restart: ${reasonText(after)}`, { hint: adviceFor(after) });
  terminal.answer({ ...body, waited: true, tookMs, upstream: after }, () => [
    `${terminal.paint.green('✓')} "${upstream}" is ${after.state} again after ${durationText(tookMs)}: ${offerText(after)}`,
  ]);
  return EXIT.ok;
}

async function waitForRestart(running: RunningGateway, name: string, before: UpstreamStatus | undefined): Promise<UpstreamStatus> {
  const isOver = ({ state, since, pid }: UpstreamStatus) =>
    (state === 'ready' || state === 'failed') && (since !== before?.since || pid !== before.pid);
  for (const end = performance.now() + WAIT_MS; performance.now() < end; await delay(POLL_MS)) {
    const { upstreams } = await running.get<StatusBody>('/status');
    const status = upstreams.find((upstream) => upstream.name === name);
    if (status !== undefined && isOver(status)) return status;
  }
  throw commandFailure(`"${name}" is not ready ${durationText(WAIT_MS)} after its restart`, {
    hint: '"signalbox status" shows how it goes on',
  });
}
