import type { UpstreamState, UpstreamStatus } from '@signalbox/core';
import type { Paint } from '../terminal/paint.ts';
import { countOf, cutToWidth, toSafeLine } from '../terminal/text.ts';

const MARKS: Readonly<Record<UpstreamState, string>> = {
  configured: '·',
  known: '·',
  starting: '…',
  ready: '✓',
  degraded: '!',
  failed: '✗',
  stopped: '-',
};

/** A state as one coloured word with its mark. */
export function paintState(text: string, state: UpstreamState, paint: Paint): string {
  if (state === 'ready') return paint.green(text);
  if (state === 'failed') return paint.red(text);
  return state === 'degraded' || state === 'starting' ? paint.yellow(text) : paint.dim(text);
}

/** The mark of a state, coloured. */
export function markOf(state: UpstreamState, paint: Paint): string {
  return paintState(MARKS[state], state, paint);
}

/** “13 tools, 7 resources, 4 prompts”; kinds it has none of are left out. */
export function offerText({ tools, resources, prompts }: UpstreamStatus): string {
  const parts = [
    [tools, 'tool'],
    [resources, 'resource'],
    [prompts, 'prompt'],
  ] as const;
  const given = parts.filter(([count]) => count > 0).map(([count, noun]) => countOf(count, noun));
  return given.length === 0 ? 'nothing to offer' : given.join(', ');
}

/** Why an upstream is in its state, as one line without its name in front. */
export function reasonText({ name, reason }: Pick<UpstreamStatus, 'name' | 'reason'>): string {
  const text = toSafeLine(reason);
  const start = new RegExp(`^Cannot [^"]* (?:upstream )?"${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}": `).exec(text)?.[0] ?? '';
  // The search path is long and says little; the log has it.
  return text.slice(start.length).replace(/ in PATH ".*?"/, ' on PATH');
}

/** The last thing a failed upstream wrote to stderr, as one line. */
export function lastWords({ state, stderr }: Pick<UpstreamStatus, 'state' | 'stderr'>): string | undefined {
  const line = state === 'failed' ? stderr.findLast((text) => text.trim() !== '') : undefined;
  return line === undefined ? undefined : cutToWidth(toSafeLine(line), 160);
}

/** What there is to say of a failed upstream under its reason: its last words, and what to do. */
export function failureDetails(upstream: UpstreamStatus, paint: Paint): string[] {
  const words = lastWords(upstream);
  return [...(words === undefined ? [] : [paint.dim(`stderr: ${words}`)]), `${paint.cyan('→')} ${adviceFor(upstream)}`];
}

/** What an upstream lists that is not offered on, and why, as one line; `undefined` when all are. */
export function leftOutText({ leftOut }: Pick<UpstreamStatus, 'leftOut'>): string | undefined {
  const first = leftOut[0];
  if (first === undefined) return undefined;
  const rest = leftOut.length > 1 ? ` (and ${leftOut.length - 1} more; the log has them)` : '';
  return cutToWidth(toSafeLine(`its ${first.kind} "${first.name}" is left out: ${first.reason}`), 240) + rest;
}

/** What to do about a failed upstream. */
export function adviceFor({ name, kind, reason, stderr }: Pick<UpstreamStatus, 'name' | 'kind' | 'reason' | 'stderr'>): string {
  const isAddress = kind === 'http' || kind === 'sse' || kind === 'websocket';
  if (/there is no program|not an executable/.test(reason)) return 'Install it, or give its full path under "command"';
  if (/its folder .* does not exist/.test(reason)) return 'Create the folder, or correct "cwd"';
  if (/environment variable/.test(reason)) return 'Set it where the gateway is started, then start the gateway again';
  if (/\b401\b|\b403\b|unauthor|forbidden/i.test(reason)) return 'Check the credentials under "headers"';
  if (kind === 'sse' && /\(HTTP 40[045]\)/.test(reason)) return 'Check "url"; if the server speaks Streamable HTTP, take "type" out';
  if (isAddress && /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|connect|broke off/i.test(reason))
    return 'Check "url", and whether that server runs';
  if (/does not export a "module"/.test(reason)) return 'Export a constant "module" made by defineModule from it';
  if (kind === 'module' && /Cannot load module/.test(reason)) return 'Install the package, or correct "module"';
  if (/handshake in \d+ ms/.test(reason))
    return `Check that it is an MCP server${isAddress ? '' : ' for stdio'}; a slow one needs a larger "timeouts.handshakeMs"`;
  if (isAddress) return 'Check that "url" is the address of an MCP server; "signalbox doctor" checks the rest';
  return stderr.length > 0
    ? `See "signalbox logs ${quoteName(name)}"`
    : 'Start its command by hand to see what it says; "signalbox doctor" checks the rest';
}

function quoteName(name: string): string {
  return /^[\w.-]+$/.test(name) ? name : `'${name}'`;
}
