import { fileURLToPath } from 'node:url';
import { runCell } from './run-cell.mjs';
import { startProgram } from './start-program.mjs';

const upstream = fileURLToPath(new URL('upstream.mjs', import.meta.url));
const generations = ['modern', 'handshake'];
/** How long a call to the second server may take; the gateway is told, and a check waits for it. */
const callMs = 2000;

/**
 * Runs the quadrants over both transports against a gateway that it starts itself, in front of the kit's own server.
 * @param {{
 *   startGateway: (upstreams: any[]) => Promise<{ url: string, aloneUrl?: string, prefix: string, budgetMs?: number, stop: () => Promise<void> }>,
 *   transports?: string[], servers?: string[], clients?: string[], only?: string[], calls?: number, onCheck?: (result: any, cell: any) => void,
 * }} options
 * @returns {Promise<import('./run-cell.mjs').CellResult[]>}
 */
export async function runMatrix({
  startGateway,
  transports = ['http', 'stdio'],
  servers = generations,
  clients = generations,
  ...options
}) {
  const results = [];
  for (const server of servers) {
    for (const transport of transports) {
      const started = [];
      const start = async (options) => {
        const running = await startServer(options);
        started.unshift(running);
        return running.url;
      };
      try {
        const directUrl = await start({ era: server });
        const toEntry = async (name) =>
          transport === 'http' ? { url: await start({ era: server, name }) } : toCommand({ era: server, name });
        const entries = [
          { name: 'kit', ...(await toEntry('kit')) },
          { name: 'second', ...(await toEntry('second')), callMs },
        ];
        for (const client of clients) {
          results.push(await runThrough(startGateway, { entries, cell: { client, server, transport, directUrl }, options }));
        }
      } finally {
        for (const running of started) await running.stop();
      }
    }
  }
  return results;
}

// Each cell gets a gateway of its own: the last checks end the server, which not every gateway survives.
async function runThrough(startGateway, { entries, cell, options }) {
  let gateway;
  try {
    gateway = await startGateway(entries);
  } catch (error) {
    return { cell, isSpoken: false, reason: error.message, checks: [] };
  }
  const { url, aloneUrl, prefix, budgetMs } = gateway;
  return runCell({ ...cell, url, aloneUrl, prefix, budgetMs }, options).finally(gateway.stop);
}

/**
 * Starts the kit's own server over HTTP. The caller owns it and must `stop()` it.
 * @param {{ era: 'both' | 'handshake' | 'modern', name?: string }} options
 */
export async function startServer({ era, name = 'kit' }) {
  const args = [upstream, '--port', '0', '--era', era, '--name', name];
  const { found, stop } = await startProgram({ command: process.execPath, args, ready: /http:\/\/127\.0\.0\.1:\d+\/mcp/ });
  return { url: found[0], stop };
}

const toCommand = ({ era, name }) => ({ command: process.execPath, args: [upstream, '--stdio', '--era', era, '--name', name] });
