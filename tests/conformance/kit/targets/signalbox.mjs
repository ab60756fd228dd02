import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../start-program.mjs';

const program = fileURLToPath(new URL('../../../../apps/gateway/bin/signalbox.js', import.meta.url));

/**
 * Starts Signalbox in front of servers.
 * @param {{ name: string, url?: string, command?: string, args?: string[], callMs?: number }[]} upstreams `callMs` is how long a call may take.
 * @returns {Promise<{ url: string, prefix: string, budgetMs?: number, stop: () => Promise<void> }>} `budgetMs` is given where `callMs` is kept.
 */
export async function startGateway(upstreams) {
  const folder = await mkdtemp(join(tmpdir(), 'transparency-kit-'));
  const config = join(folder, 'signalbox.json');
  const entries = upstreams.map(({ name, callMs, ...entry }) => [
    name,
    { ...entry, ...(callMs === undefined ? {} : { timeouts: { callMs } }) },
  ]);
  await writeFile(config, JSON.stringify({ mcpServers: Object.fromEntries(entries) }));
  const args = [program, 'serve', '--config', config, '--port', '0', '--data', join(folder, 'data')];
  const { found, stop } = await startProgram({ command: process.execPath, args, ready: /http:\/\/127\.0\.0\.1:\d+\/mcp/ });
  return {
    url: found[0],
    prefix: '',
    budgetMs: upstreams.find(({ callMs }) => callMs !== undefined)?.callMs,
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
