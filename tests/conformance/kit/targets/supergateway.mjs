import { join } from 'node:path';
import { startProgram } from '../start-program.mjs';

/**
 * Starts supergateway in front of a server on stdio; its package is looked for in `KIT_PEERS`. It has one server, and listens
 * on all interfaces without an option against it, so run it in an empty network namespace:
 * `unshare -n sh -c 'ip link set lo up; KIT_PEERS=… node run.mjs --gateway targets/supergateway.mjs --transport stdio'`.
 */
export async function startGateway([{ command, args }]) {
  const program = join(process.env.KIT_PEERS ?? '.', 'node_modules/supergateway/dist/index.js');
  const port = 20_000 + (process.pid % 20_000);
  const { stop } = await startProgram({
    command: process.execPath,
    args: [program, '--stdio', [command, ...args].join(' '), '--outputTransport', 'streamableHttp', '--stateful', '--port', String(port)],
    ready: /Listening on port|listening/i,
  });
  return { url: `http://127.0.0.1:${port}/mcp`, prefix: '', stop };
}
