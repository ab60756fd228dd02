import { spawn } from 'node:child_process';
import { callEcho } from '../lib/calls.mjs';
import { openClient } from '../lib/compare.mjs';
import { openMany, runLoad } from '../lib/load.mjs';
import { descendantsOf, proportionalKib } from '../lib/processes.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startReadyGateway, startUpstreams, stdioEntry, stdioUpstream } from '../lib/targets.mjs';

const CALLERS = 16;

export const benchmark = {
  name: 'pooled-vs-connect',
  about: `A call through the gateway's shared connection beside one that connects, opens, calls and closes each time; and the memory of ${CALLERS} callers with a server each beside that of the gateway with one. HTTP has no budget: to open a session on loopback costs next to nothing.`,
  budgets: [
    { metric: 'stdio: pooled to connect-per-call, p50', atMost: 0.4 },
    { metric: `memory of ${CALLERS} callers: shared to one server each`, atMost: 0.7 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const http = await compare(program, {
      quick,
      entry: { url: upstreams.url(6) },
      connectAndCall: () => connectOverHttp(upstreams.url(6)),
    });
    await upstreams.stop();
    const stdio = await compare(program, { quick, entry: stdioEntry(), connectAndCall: connectOverStdio });
    const memory = await measureMemory(program);
    return {
      rows: [...toRows(stdio, 'stdio'), ...toRows(http, 'HTTP')],
      metrics: {
        'stdio: pooled to connect-per-call, p50': ratio(stdio, 'p50Us', { of: 'pooled', to: 'connect per call' }),
        'HTTP: pooled to connect-per-call, p50': ratio(http, 'p50Us', { of: 'pooled', to: 'connect per call' }),
        [`memory of ${CALLERS} callers: shared to one server each`]: summarize([memory.sharedKib / memory.ownKib]),
      },
    };
  },
};

async function compare(program, { quick, entry, connectAndCall }) {
  const gateway = await startReadyGateway(program, { mcpServers: { bench: entry } });
  const client = await openClient(gateway);
  const calls = { pooled: () => callEcho(client), 'connect per call': connectAndCall };
  for (const call of Object.values(calls)) await runLoad([client], { call, durationMs: 300 });
  const samples = await alternate(Object.keys(calls), {
    rounds: quick ? 3 : 7,
    measure: (variant) => runLoad([client], { call: calls[variant], durationMs: quick ? 400 : 800 }),
  });
  client.close();
  await gateway.stop();
  return samples;
}

async function connectOverHttp(url) {
  const client = await openClient({ url });
  await callEcho(client);
  await client.end();
}

async function connectOverStdio() {
  const server = openStdioServer();
  await server.open();
  await server.call();
  await server.close();
}

async function measureMemory(program) {
  const servers = Array.from({ length: CALLERS }, openStdioServer);
  for (const server of servers) {
    await server.open();
    await server.call();
  }
  const ownKib = servers.reduce((sum, server) => sum + proportionalKib(server.pid), 0);
  for (const server of servers) await server.close();

  const gateway = await startReadyGateway(program, { mcpServers: { bench: stdioEntry() } });
  const clients = await openMany(CALLERS, () => openClient(gateway));
  for (const client of clients) await callEcho(client);
  const sharedKib = [gateway.pid, ...descendantsOf(gateway.pid)].reduce((sum, pid) => sum + proportionalKib(pid), 0);
  for (const client of clients) client.close();
  await gateway.stop();
  return { ownKib, sharedKib };
}

/** A stdio server of one caller's own, spoken to as directly as can be. */
function openStdioServer() {
  const [command, ...args] = stdioUpstream();
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const waiting = new Map();
  let rest = '';
  let lastId = 0;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const message = JSON.parse(line);
      waiting.get(message.id)?.(message);
      waiting.delete(message.id);
    }
  });
  const request = (method, params) =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params })}\n`);
    });
  return {
    pid: child.pid,
    async open() {
      await request('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } });
      child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
    },
    async call() {
      const { result } = await request('tools/call', { name: 'echo', arguments: { text: 'x' } });
      if (result.content[0].text !== 'x') throw new Error('The echo was wrong');
    },
    close() {
      child.stdin.end();
      return exited;
    },
  };
}
