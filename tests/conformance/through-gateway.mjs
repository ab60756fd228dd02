import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startProgram } from './kit/start-program.mjs';
import { startGateway } from './kit/targets/signalbox.mjs';

const fixture = fileURLToPath(new URL('fixture/server.mjs', import.meta.url));
const address = /http:\/\/127\.0\.0\.1:\d+\/mcp/;

/**
 * Starts the fixture over HTTP. The caller owns it and must `stop()` it.
 * @param {{ era?: string, pageSize?: number }} [options]
 */
export async function startFixture({ era = 'both', pageSize } = {}) {
  const pages = pageSize === undefined ? [] : ['--page-size', String(pageSize)];
  const args = [fixture, '--port', '0', '--era', era, ...pages];
  const { found, stop } = await startProgram({ command: process.execPath, args, ready: address });
  return { url: found[0], stop };
}

/**
 * Starts the gateway in front of the fixture and waits until it lists what the fixture has.
 * The caller owns both and must `stop()` them.
 * @param {{ transport: 'http' | 'stdio', era: 'both' | 'handshake' | 'modern' }} options
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export async function startThroughGateway({ transport, era }) {
  const server = transport === 'http' ? await startFixture({ era }) : undefined;
  const entry = server === undefined ? { command: process.execPath, args: [fixture, '--stdio', '--era', era] } : { url: server.url };
  let gateway;
  const stop = async () => {
    await gateway?.stop();
    await server?.stop();
  };
  try {
    gateway = await startGateway([{ name: 'fixture', ...entry }]);
    await waitForTool(gateway.url, 'test_simple_text');
    return { url: gateway.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The gateway serves before its upstreams are up, so wait until the list has the tool. */
async function waitForTool(url, name) {
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/list',
  };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } });
  let answer = '';
  for (let attempt = 0; attempt < 100; attempt++) {
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) });
    answer = await response.text();
    if (answer.includes(`"${name}"`)) return;
    await sleep(100);
  }
  throw new Error(`The gateway does not list "${name}"; its last answer: ${answer}`);
}
