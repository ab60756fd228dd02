import { join } from 'node:path';
import { startProgram } from '../start-program.mjs';

/** Starts mcp-proxy in front of a server on stdio; its package is looked for in `KIT_PEERS`. It has one server. */
export async function startGateway([{ command, args }]) {
  const program = join(process.env.KIT_PEERS ?? '.', 'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs');
  const port = 20_000 + (process.pid % 20_000);
  const { stop } = await startProgram({
    command: process.execPath,
    args: [program, '--port', String(port), '--host', '127.0.0.1', '--', command, ...args],
    ready: /listening|server on|started/i,
  });
  return { url: `http://127.0.0.1:${port}/mcp`, prefix: '', stop };
}
