import { loadConfig, maskUpstream } from '@signalbox/control-plane';
import {
  kindOf,
  selectUpstreams,
  servedBy,
  type GatewayConfig,
  type UpstreamConfig,
  type UpstreamState,
  type UpstreamStatus,
} from '@signalbox/core';
import { renderTable } from '../terminal/table.ts';
import type { CommandContext } from './context.ts';
import { EXIT, type ExitCode } from './exit-code.ts';
import { locateConfig, locateData } from './locations.ts';
import { findRunning } from './running-gateway.ts';
import { paintState, reasonText } from './upstream-line.ts';
import { requireServer } from './virtual-server.ts';

/** Lists the selected upstreams of the configuration, with their state where a gateway runs. */
export async function list(context: CommandContext, selection: ListOptions): Promise<ExitCode> {
  const { terminal } = context;
  const configPath = await locateConfig(context);
  const config = await loadConfig(configPath);
  const running = await findRunning(await locateData(context, configPath));
  const observed = new Map(running?.status.upstreams.map((status) => [status.name, status]));
  const entries = Object.entries(config.mcpServers);
  const all = entries.filter(createChoice(config, selection.server)).map(([name, upstream]) => toRow(name, upstream, observed.get(name)));
  const rows = selectUpstreams(all, { kind: selection.kind, tags: selection.tag, capability: selection.capability });
  terminal.answer({ configPath, running: running !== undefined, upstreams: rows }, () => {
    if (rows.length === 0 && all.length > 0) return ['No server fits the selection'];
    if (rows.length === 0)
      return [
        `No server is configured in ${configPath}. Add one with "signalbox add <name> -- <command>", or take yours over with "signalbox import"`,
      ];
    const { paint, width } = terminal;
    const states = new Map(rows.map(({ name, state }) => [name, state]));
    return renderTable({
      columns: [
        { title: 'NAME', paint: paint.bold },
        { title: 'KIND' },
        { title: 'STATE', paint: (text, [name]) => paintState(text, states.get(name!) ?? 'configured', paint) },
        { title: 'TOOLS', align: 'right' },
        { title: 'TARGET', shrinks: true },
        { title: '', shrinks: true, paint: paint.dim },
      ],
      rows: rows.map(({ name, kind, state, tools, target, reason }) => [
        name,
        kind,
        state ?? '-',
        tools === undefined ? '-' : String(tools),
        target,
        state === 'failed' ? (reason ?? '') : '',
      ]),
      width,
      paint,
    });
  });
  if (running === undefined && !terminal.isJson && rows.length > 0)
    terminal.note(terminal.notePaint.dim('No gateway is running, so states are not known; "signalbox serve" starts one'));
  return EXIT.ok;
}

export interface ListOptions {
  readonly kind?: string;
  readonly tag?: readonly string[];
  readonly capability?: string;
  readonly server?: string;
}

function createChoice(
  { virtualServers, mcpServers }: GatewayConfig,
  server: string | undefined,
): (entry: readonly [string, unknown]) => boolean {
  if (server === undefined) return () => true;
  const found = Object.hasOwn(virtualServers, server) ? virtualServers[server] : undefined;
  const names = new Set(servedBy(requireServer(found, server, Object.keys(virtualServers)), mcpServers));
  return ([name]) => names.has(name);
}

interface Row {
  readonly name: string;
  readonly kind: UpstreamStatus['kind'];
  readonly tags: readonly string[];
  /** Known while a gateway runs. */
  readonly capabilities: readonly string[];
  readonly target: string;
  readonly disabled: boolean;
  readonly state?: UpstreamState;
  readonly reason?: string;
  readonly tools?: number;
}

function toRow(name: string, config: UpstreamConfig, status: UpstreamStatus | undefined): Row {
  return {
    name,
    kind: kindOf(config),
    tags: config.tags,
    capabilities: status?.capabilities ?? [],
    target: targetOf(maskUpstream(config)),
    disabled: config.disabled,
    ...(status !== undefined && { state: status.state, reason: reasonText(status), tools: status.tools }),
    ...(status === undefined && config.disabled && { state: 'stopped' }),
  };
}

function targetOf({ command, args, url, module }: UpstreamConfig): string {
  return command === undefined ? (url ?? module ?? '') : [command, ...args].join(' ');
}
