import { isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { loadConfig, type LogsBody } from '@signalbox/control-plane';
import { isObject } from '@signalbox/core';
import { toPrettyLine } from '../log/pretty-line.ts';
import { localTime, toSafeText } from '../terminal/text.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { nothingFound } from './failures.ts';
import { locateConfig, locateData } from './locations.ts';
import { pathExists } from './path-exists.ts';
import { requireRunning, type RunningGateway } from './running-gateway.ts';
import { createTail } from './tail-file.ts';

export interface LogsOptions {
  /** `undefined` for the gateway's own log. */
  readonly upstream: string | undefined;
  readonly lines: number;
  readonly follow?: boolean;
}

const POLL_MS = 500;
// The gateway keeps no more than this of each upstream.
const KEPT_LINES = 10_000;

/** Shows the last lines of the gateway's log file, or of what an upstream wrote to stderr, and goes on with new ones if asked to. */
export function logs(context: CommandContext, options: LogsOptions): Promise<ExitCode> {
  return options.upstream === undefined ? gatewayLogs(context, options) : upstreamLogs(context, { ...options, upstream: options.upstream });
}

async function gatewayLogs(context: CommandContext, { lines, follow }: LogsOptions): Promise<ExitCode> {
  const { terminal } = context;
  const configPath = await locateConfig(context);
  const { log } = await loadConfig(configPath);
  if (log.file === undefined) {
    throw nothingFound(
      'The gateway writes its log to stderr and keeps no file',
      'Set "log": { "file": "gateway.log" } in the configuration, or name a server: "signalbox logs <upstream>"',
    );
  }
  const path = isAbsolute(log.file) ? log.file : join(await locateData(context, configPath), log.file);
  if (!(await pathExists(path)))
    throw nothingFound(
      `There is no log yet: "${path}"`,
      'The gateway creates it when it starts; "signalbox status" shows whether one runs',
    );
  const tail = createTail(path);
  const show = (line: string) => terminal.line(terminal.isJson ? line : toLocalLine(line));
  for (const line of await tail.last(lines)) show(line);
  if (follow !== true) return EXIT.ok;
  for (;;) {
    await delay(POLL_MS);
    for (const line of await tail.next()) show(line);
  }
}

async function upstreamLogs(
  context: CommandContext,
  { upstream, lines, follow }: LogsOptions & { readonly upstream: string },
): Promise<ExitCode> {
  const { terminal } = context;
  const running = await requireRunning(context);
  let known = await fetchLines(running, upstream);
  const show = (line: string) =>
    terminal.line(terminal.isJson ? JSON.stringify({ upstream, line }) : terminal.isTerminal ? toSafeText(line) : line);
  for (const line of known.slice(-lines)) show(line);
  if (known.length === 0 && follow !== true && !terminal.isJson) terminal.note(`"${upstream}" has written nothing to stderr`);
  if (follow !== true) return EXIT.ok;
  for (;;) {
    await delay(POLL_MS);
    const now = await fetchLines(running, upstream);
    for (const line of newLines(known, now)) show(line);
    known = now;
  }
}

async function fetchLines(running: RunningGateway, upstream: string): Promise<readonly string[]> {
  const { lines } = await running.get<LogsBody>(`/upstreams/${encodeURIComponent(upstream)}/logs?lines=${KEPT_LINES}`);
  return lines;
}

/** What a bounded list of last lines has gained: everything behind the longest end of the older list with which the newer one begins. */
export function newLines(older: readonly string[], newer: readonly string[]): readonly string[] {
  for (let start = 0; start <= older.length; start++) {
    const kept = older.length - start;
    if (kept <= newer.length && older.slice(start).every((line, index) => line === newer[index])) return newer.slice(kept);
  }
  return newer;
}

/** A line of the log file for people, with local date and time. */
export function toLocalLine(line: string): string {
  const fields = parseLine(line);
  const moment = new Date(typeof fields?.['time'] === 'string' ? fields['time'] : Number.NaN);
  if (fields === undefined || Number.isNaN(moment.getTime())) return toSafeText(line);
  const time = localTime(moment);
  return `${time.slice(0, 10)} ${toPrettyLine(JSON.stringify({ ...fields, time })).trimEnd()}`;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch (error) {
    // A line cut short by a crash is shown as it is.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
