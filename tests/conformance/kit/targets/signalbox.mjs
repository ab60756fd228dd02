import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProgram } from '../start-program.mjs';

const program = fileURLToPath(new URL('../../../../apps/gateway/bin/signalbox.js', import.meta.url));

/**
 * Starts Signalbox in front of servers, with the first of them at an address of its own besides.
 * @param {{ name: string, url?: string, command?: string, args?: string[], callMs?: number }[]} upstreams `callMs` is how long a call may take.
 * @returns {Promise<{ url: string, aloneUrl: string, prefix: string, budgetMs?: number, stop: () => Promise<void> }>} `aloneUrl` is the
 *   address where only the first stands; `budgetMs` is given where `callMs` is kept.
 */
export async function startGateway(upstreams) {
  const folder = await mkdtemp(join(tmpdir(), 'transparency-kit-'));
  const config = join(folder, 'signalbox.json');
  const entries = upstreams.map(({ name, callMs, ...entry }) => [
    name,
    { ...entry, ...(callMs === undefined ? {} : { timeouts: { callMs } }) },
  ]);
  const virtualServers = { alone: { upstreams: [upstreams[0].name] } };
  await writeFile(config, JSON.stringify({ mcpServers: Object.fromEntries(entries), virtualServers }));
  const args = [program, 'serve', '--config', config, '--port', '0', '--data', join(folder, 'data')];
  const { found, stop } = await startProgram({ command: process.execPath, args, ready: /http:\/\/127\.0\.0\.1:\d+\/mcp/ });
  return {
    url: found[0],
    aloneUrl: `${found[0]}/alone`,
    prefix: '',
    budgetMs: upstreams.find(({ callMs }) => callMs !== undefined)?.callMs,
    stop: async () => {
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
