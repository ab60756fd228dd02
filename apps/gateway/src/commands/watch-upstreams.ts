import type { Status, UpstreamStatus } from '@signalbox/core';
import type { Terminal } from '../terminal/terminal.ts';
import { durationText } from '../terminal/text.ts';
import { failureDetails, markOf, offerText, paintState, reasonText } from './upstream-line.ts';

const STARTING_POLL_MS = 50;
const STEADY_POLL_MS = 1_000;
const REPORTED = new Set<UpstreamStatus['state']>(['ready', 'failed', 'degraded', 'stopped']);

export interface WatchOptions {
  readonly terminal: Terminal;
  readonly status: Status;
  /** When the program was started, milliseconds since 1970. */
  readonly startedAtMs: number;
}

export interface UpstreamWatch {
  /** Resolves once each upstream was ready, or failed, or is switched off. */
  readonly settled: Promise<void>;
  stop(): void;
}

/** Tells of each upstream as it becomes ready or fails, one line each, for as long as it is not stopped. */
export function watchUpstreams({ terminal, status, startedAtMs }: WatchOptions): UpstreamWatch {
  const told = new Map<string, string>();
  const firstNames = new Set(status.upstreams().map(({ name }) => name));
  const nameWidth = Math.max(0, ...[...firstNames].map((name) => name.length));
  let timer: NodeJS.Timeout | undefined;
  let reportSettled!: () => void;
  const settled = new Promise<void>((resolve) => (reportSettled = resolve));

  const look = () => {
    const upstreams = status.upstreams();
    for (const upstream of upstreams) {
      if (!REPORTED.has(upstream.state)) continue;
      // A failed upstream tries again and again; only another reason is news.
      const news = `${upstream.state} ${upstream.state === 'ready' ? upstream.since : reasonText(upstream)}`;
      const before = told.get(upstream.name);
      if (before === news) continue;
      told.set(upstream.name, news);
      tell(upstream, before === undefined && firstNames.has(upstream.name));
    }
    for (const name of told.keys()) {
      if (upstreams.some((upstream) => upstream.name === name)) continue;
      told.delete(name);
      if (terminal.isJson) terminal.event({ event: 'removed', name });
      else terminal.line(`${terminal.paint.dim('-')} ${name.padEnd(nameWidth)}  removed`);
    }
    const isSettled = upstreams.every(({ name }) => told.has(name));
    if (isSettled) reportSettled();
    timer = setTimeout(look, isSettled ? STEADY_POLL_MS : STARTING_POLL_MS);
    timer.unref();
  };
  const tell = (upstream: UpstreamStatus, isFirst: boolean) => {
    if (terminal.isJson) return terminal.event({ event: 'upstream', ...upstream });
    const afterMs = isFirst && upstream.state === 'ready' ? Math.max(0, Date.parse(upstream.since) - startedAtMs) : undefined;
    for (const line of upstreamLines(upstream, { terminal, nameWidth, afterMs })) terminal.line(line);
  };

  look();
  return { settled, stop: () => clearTimeout(timer) };
}

interface LineOptions {
  readonly terminal: Pick<Terminal, 'paint'>;
  readonly nameWidth: number;
  /** How long it took to get ready, in milliseconds. */
  readonly afterMs: number | undefined;
}

/** What there is to say of one upstream: a line, and for a failed one a second with what to do. */
export function upstreamLines(upstream: UpstreamStatus, { terminal, nameWidth, afterMs }: LineOptions): string[] {
  const { paint } = terminal;
  const { name, state } = upstream;
  const start = `${markOf(state, paint)} ${paint.bold(name.padEnd(nameWidth))}  `;
  if (state === 'ready') {
    const time = afterMs === undefined ? '' : paint.dim(`  (${durationText(afterMs)})`);
    return [`${start}${paintState('ready', state, paint)}  ${offerText(upstream)}${time}`];
  }
  const line = `${start}${paintState(`${state}: `, state, paint)}${reasonText(upstream)}`;
  const indent = ' '.repeat(nameWidth + 4);
  return state === 'failed' ? [line, ...failureDetails(upstream, paint).map((detail) => indent + detail)] : [line];
}
