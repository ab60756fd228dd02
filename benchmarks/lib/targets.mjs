import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openClient } from './compare.mjs';
import { until } from './load.mjs';
import { CORES, pinned, start } from './processes.mjs';

const SERVERS = path.resolve(import.meta.dirname, '../servers');
const PORT_LINE = /\{"port":(\d+)\}/;
const READY_LINE = /http:\/\/127\.0\.0\.1:\d+\/mcp/;

/** Starts the HTTP upstreams. `url(200)` is one with 200 tools, `url('slow')` one that opens late. */
export async function startUpstreams({ initDelayMs = 3000 } = {}) {
  const command = [process.execPath, path.join(SERVERS, 'http-upstream.mjs'), '--init-delay', String(initDelayMs)];
  const server = await start(command, { core: CORES?.load, ready: PORT_LINE });
  return { ...server, url: (kind) => `http://127.0.0.1:${server.match[1]}/${kind}/mcp` };
}

/** Command of a stdio upstream. It runs on the core of the load unless told otherwise. */
export function stdioUpstream({ prefix = '', tools = 6, initDelayMs = 0, core = CORES?.load } = {}) {
  const options = ['--prefix', prefix, '--tools', String(tools), '--init-delay', String(initDelayMs)];
  return pinned([process.execPath, path.join(SERVERS, 'stdio-upstream.mjs'), ...options], core);
}

/** The same as an entry of a configuration file. */
export function stdioEntry(options) {
  const [command, ...args] = stdioUpstream(options);
  return { command, args };
}

/** Starts the bare reverse proxy in front of an upstream. */
export async function startBareProxy(to) {
  const command = [process.execPath, path.join(SERVERS, 'bare-proxy.mjs'), '--to', to];
  return withUrl(await start(command, { core: CORES?.measured, ready: PORT_LINE }));
}

/** Starts the minimal bridge in front of a stdio command. */
export async function startBridge(upstream) {
  const command = [process.execPath, path.join(SERVERS, 'stdio-bridge.mjs'), ...upstream];
  return withUrl(await start(command, { core: CORES?.measured, ready: PORT_LINE }));
}

/**
 * Starts a gateway with a configuration, as `signalbox serve` does, and waits for its ready line.
 * @param {string} program Its compiled entry.
 * @param {object} config
 * @param {{ folder?: string, isPinned?: boolean }} [options] Where its configuration and data lie; a folder that is given is left standing.
 */
export async function startGateway(program, config, { folder: given, isPinned = true } = {}) {
  const folder = given ?? mkdtempSync(path.join(tmpdir(), 'signalbox-bench-'));
  const file = path.join(folder, 'signalbox.json');
  writeFileSync(file, JSON.stringify(config));
  const args = ['serve', '--config', file, '--port', '0', '--data', path.join(folder, 'data')];
  const core = isPinned ? CORES?.measured : undefined;
  const gateway = await start([process.execPath, program, ...args], { core, ready: READY_LINE, cwd: folder });
  return {
    ...gateway,
    url: gateway.match[0],
    /** How many sessions it keeps, as it says itself. */
    async countSessions() {
      const { token, url } = JSON.parse(readFileSync(path.join(folder, 'data', 'gateway.json'), 'utf8'));
      const response = await fetch(new URL('/api/v1/status', url), { headers: { authorization: `Bearer ${token}` } });
      return (await response.json()).sessions.open;
    },
    async stop() {
      await gateway.stop();
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The same, and waits until the tools named are listed, so that nothing of the start is measured. */
export async function startReadyGateway(program, config, tools = ['echo']) {
  const gateway = await startGateway(program, config);
  const client = await openClient(gateway);
  await until(
    async () => {
      const listed = new Set((await client.request('tools/list')).tools.map(({ name }) => name));
      return tools.every((tool) => listed.has(tool)) || undefined;
    },
    { timeoutMs: 20_000 },
  );
  await client.end();
  return gateway;
}

function withUrl(server) {
  return { ...server, url: `http://127.0.0.1:${server.match[1]}/mcp` };
}
