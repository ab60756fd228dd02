import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { toMessage, type GatewayConfig, type UpstreamStatus } from '@signalbox/core';
import { countOf, durationText } from '../../terminal/text.ts';
import type { CommandContext } from '../context.ts';
import { pathExists } from '../path-exists.ts';
import { uptimeMsOf, type RunningGateway } from '../running-gateway.ts';
import { readToolOwners } from '../tool-owners.ts';
import { adviceFor, lastWords, leftOutText, reasonText } from '../upstream-line.ts';
import { error, ok, warn, type Finding } from './finding.ts';

/** Whether the gateway could listen where its configuration says. */
export async function checkListen(
  { listen }: GatewayConfig,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly running: RunningGateway | undefined },
): Promise<Finding[]> {
  const { host, port, token } = listen;
  const { env, running } = options;
  const findings: Finding[] = [];
  const isLoopback = /^(127(\.\d+){3}|::1|\[::1\]|localhost)$/.test(host);
  if (!isLoopback && token === undefined)
    findings.push(
      error(
        'listen',
        `"${host}" is not loopback and there is no "listen.token"`,
        'Set "listen.token" to { "env": "NAME" }, or listen on 127.0.0.1',
      ),
    );
  if (token !== undefined && !env[token.env])
    findings.push(error('listen', `the token is to come from "${token.env}", which is not set`, 'Set it where the gateway is started'));
  const url = running?.runtime.url;
  if (typeof url === 'string' && Number(new URL(url).port) === port)
    return [...findings, ok('port', `${port} is used by the running gateway`)];
  const taken = await tryListen(host, port);
  if (taken === undefined) return [...findings, ok('port', port === 0 ? 'any free port is taken' : `${port} is free`)];
  const isOther = /EADDRINUSE/.test(taken);
  const what = isOther ? `${port} is used by another program` : `nothing can listen on port ${port} of "${host}": ${taken}`;
  return [
    ...findings,
    error(
      'port',
      what,
      isOther ? 'Choose another with "listen.port" or --port, or end that program' : 'Correct "listen.host" and "listen.port"',
    ),
  ];
}

/** Whether the gateway could remember things. Creates nothing. */
export async function checkData(dataDir: string): Promise<Finding> {
  let folder = dataDir;
  while (!(await pathExists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
    return ok('data', folder === dataDir ? `"${dataDir}" can be written` : `"${dataDir}" can be created`);
  } catch (cause) {
    return error(
      'data',
      `"${dataDir}" cannot be written: ${toMessage(cause)}`,
      'Let it be written by you, or choose another folder with --data',
    );
  }
}

/** Which tools are not exposed under their own name because another upstream had it first. */
export async function checkNames(
  context: Pick<CommandContext, 'env'>,
  place: { readonly configPath: string; readonly dataDir: string },
  upstreams: readonly string[],
): Promise<Finding> {
  const owners = [...(await readToolOwners(context, place))].filter(([, owner]) => upstreams.includes(owner.upstream));
  const names = new Map<string, string[]>();
  for (const [publicName, { upstream, name }] of owners) names.set(name, [...(names.get(name) ?? []), `${upstream} as "${publicName}"`]);
  const shared = [...names].filter(([, users]) => users.length > 1);
  if (shared.length === 0)
    return ok(
      'names',
      owners.length === 0
        ? 'no tool has a name yet; the first start gives them'
        : `${countOf(owners.length, 'tool')}, each with a name of its own`,
    );
  const list = shared.slice(0, 5).map(([name, users]) => `"${name}" of ${users.join(' and ')}`);
  const more = shared.length > 5 ? ` and ${shared.length - 5} more` : '';
  return warn(
    'names',
    `${countOf(shared.length, 'tool name')} shared by several servers: ${list.join('; ')}${more}`,
    'It works as it is; "tools.rename", "tools.deny" and "tools.prefix" of a server choose other names',
  );
}

/**
 * How the running gateway and its upstreams are.
 * @param broken Upstreams of which an error is known already, so that their failing is no news.
 */
export function checkRunning(running: RunningGateway | undefined, broken: ReadonlySet<string>): Finding[] {
  if (running === undefined) return [ok('gateway', 'none is running')];
  const { status, runtime } = running;
  const children = status.upstreams.filter(({ pid }) => pid !== undefined);
  const lost = status.upstreams.filter(
    ({ kind, state, pid }) => kind === 'stdio' && (state === 'ready' || state === 'degraded') && (pid === undefined || !isAlive(pid)),
  );
  return [
    ok('gateway', `answers at ${status.address ?? 'stdio'}: process ${runtime.pid}, up ${durationText(uptimeMsOf(runtime))}`),
    lost.length === 0
      ? ok(
          'children',
          `${children.length} running for ${countOf(status.upstreams.filter(({ kind }) => kind === 'stdio').length, 'stdio server')}`,
        )
      : error(
          'children',
          `no process runs for ${lost.map(({ name }) => `"${name}"`).join(', ')}`,
          'Restart it with "signalbox restart <upstream>"',
        ),
    ...status.upstreams.filter(({ name }) => !broken.has(name)).flatMap(checkState),
  ];
}

function checkState(upstream: UpstreamStatus): Finding[] {
  const { name, state, starts } = upstream;
  const words = lastWords(upstream);
  const tail = words === undefined ? '' : ` (stderr: ${words})`;
  if (state === 'failed') return [error(name, `has failed: ${reasonText(upstream)}${tail}`, adviceFor(upstream))];
  if (state === 'degraded')
    return [warn(name, `is degraded: ${reasonText(upstream)}`, 'It is restarted if that goes on; "signalbox restart" does so at once')];
  const leftOut = leftOutText(upstream);
  if (leftOut !== undefined) return [warn(name, leftOut, 'Tell whoever makes that server; its other tools work')];
  return state === 'starting' && starts > 1 ? [warn(name, `is starting again, for the ${starts - 1}. time`, adviceFor(upstream))] : [];
}

function tryListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', (cause: NodeJS.ErrnoException) => settle(cause.message));
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => server.close(() => settle(undefined)));
  });
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM';
  }
}
