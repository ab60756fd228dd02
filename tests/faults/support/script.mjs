// What the scripts beside the tests share: the compiled program as a process, and a small MCP client over HTTP.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const PROGRAM = path.resolve(import.meta.dirname, '../../../apps/gateway/bin/signalbox.js');
const STDIO_SERVER = path.resolve(import.meta.dirname, '../servers/stdio-server.mjs');
const META = 'io.modelcontextprotocol/';
const MODERN = '2026-07-28';

/** The entry of a stdio server in one of its modes, with a prefix in front of its tools. */
export function stdioEntry(mode, prefix = '', entry = {}) {
  return { command: process.execPath, args: [STDIO_SERVER, '--mode', mode, '--prefix', prefix], ...entry };
}

/** A folder with a configuration file, and what removes it. */
export async function writeConfig(config) {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
  const file = path.join(folder, 'signalbox.json');
  await writeFile(file, JSON.stringify({ log: { level: 'error' }, ...config }));
  return { folder, file, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Starts `signalbox serve` and waits until it says where it listens. */
export async function serve({ folder, file }, nodeOptions = []) {
  const args = [...nodeOptions, PROGRAM, 'serve', '--config', file, '--port', '0', '--data', path.join(folder, 'data')];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  let written = '';
  const url = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text) => {
      written += text;
      const address = /http:\/\/127\.0\.0\.1:\d+\/mcp/.exec(written)?.[0];
      if (address !== undefined) resolve(address);
    });
    void exited.then(([code]) => reject(new Error(`The gateway ended with code ${code}: ${written}`)));
  });
  return {
    url,
    pid: child.pid,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return exited;
    },
  };
}

/** A client with one connection of its own, of either generation. */
export function createClient(url) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  let headers = {};
  let lastId = 0;
  const post = (message, more = {}, signal) => send(url, { agent, message, headers: { ...headers, ...more }, signal });
  const ask = async (method, params, more, signal) => {
    const id = ++lastId;
    const answer = await post({ jsonrpc: '2.0', id, method, params }, more, signal);
    if (answer.message?.id !== id) throw new Error(`No answer to ${method}: HTTP ${answer.status} ${answer.body}`);
    return answer;
  };
  return {
    async open() {
      const clientInfo = { name: 'cycle', version: '1.0.0' };
      const answer = await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
      headers = { 'mcp-session-id': answer.headers['mcp-session-id'], 'mcp-protocol-version': '2025-11-25' };
      await post({ jsonrpc: '2.0', method: 'notifications/initialized' });
    },
    call: async (name, args) => (await ask('tools/call', { name, arguments: args })).message,
    async callModern(name, args, signal) {
      const clientInfo = { name: 'cycle', version: '1.0.0' };
      const meta = { [`${META}protocolVersion`]: MODERN, [`${META}clientInfo`]: clientInfo, [`${META}clientCapabilities`]: {} };
      const mirrored = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': name };
      return (await ask('tools/call', { name, arguments: args, _meta: meta }, mirrored, signal)).message;
    },
    async close() {
      if (headers['mcp-session-id'] !== undefined) await send(url, { agent, method: 'DELETE', headers });
      agent.destroy();
    },
  };
}

/** Calls a tool once, as a client of the modern revision. Fails unless the tool has answered, and well. */
export async function callTool(url, { agent, name, args, client = 'script' }) {
  const meta = {
    [`${META}protocolVersion`]: MODERN,
    [`${META}clientInfo`]: { name: client, version: '1' },
    [`${META}clientCapabilities`]: {},
  };
  const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args, _meta: meta } };
  const headers = { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': name };
  const { status, body } = await send(url, { agent, message, headers });
  if (status !== 200 || !body.includes('"result"') || body.includes('"isError":true'))
    throw new Error(`HTTP ${status} ${body.slice(0, 200)}`);
  return body;
}

/** All living descendants of a process. */
export function descendantsOf(pid) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)]);
  const below = (parent) => parents.flatMap(([child, above]) => (above === parent ? [child, ...below(child)] : []));
  return below(pid);
}

/** Tells whether a process runs; one that has ended and was not collected does not count. */
export function isAlive(pid) {
  return parentOf(pid) !== undefined;
}

/** Open file descriptors of a process. */
export function countHandles(pid) {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Memory in use by a process, in bytes. */
export function residentBytes(pid) {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

export function pause(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

export function median(values) {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function parentOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : Number(parent);
  } catch (error) {
    // It ended between being listed and being read.
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return undefined;
    throw error;
  }
}

function send(url, { agent, method = 'POST', message, headers, signal }) {
  const body = message === undefined ? undefined : Buffer.from(JSON.stringify(message));
  const own = { accept: 'application/json, text/event-stream', 'content-type': 'application/json', 'content-length': body?.length ?? 0 };
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method, agent, signal, headers: { ...own, ...headers } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const isStream = response.headers['content-type']?.startsWith('text/event-stream');
        const data = isStream ? /^data: ?(\{.*"id".*\})$/m.exec(text)?.[1] : text;
        resolve({ status: response.statusCode, headers: response.headers, body: text, message: data ? JSON.parse(data) : undefined });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
