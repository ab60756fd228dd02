import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway, type RunningGateway } from './support/gateway.ts';

const PREFIXED = { prefix: 'always' };
const TIME = { mcpServers: { time: { module: '@signalbox/module-time' } } };

/** A gateway whose upstreams are one other gateway, reached in every way an address can be. */
function configFor(url: string) {
  const sse = url.replace(/mcp$/, 'sse');
  return {
    mcpServers: {
      socket: { url: url.replace(/^http/, 'ws'), tools: PREFIXED },
      'old socket': { type: 'ws', url: url.replace(/^http/, 'ws'), revision: 'handshake', tools: PREFIXED },
      sse: { type: 'sse', url: sse, tools: PREFIXED },
      found: { url: sse, tools: PREFIXED },
      http: { type: 'streamable-http', url, tools: PREFIXED },
    },
  };
}

const UPSTREAMS = ['socket', 'old_socket', 'sse', 'found', 'http'];
const CLIENTS = {
  'Streamable HTTP': (url: string) => new StreamableHTTPClientTransport(new URL(url)),
  'HTTP+SSE': (url: string) => new SSEClientTransport(new URL('/sse', url)),
  WebSocket: (url: string) => new WebSocketClientTransport(new URL(url.replace(/^http/, 'ws'))),
};

let far: RunningGateway;
let near: RunningGateway;
beforeAll(async () => {
  // The client takes the WebSocket of the platform, which this version of Node does not have.
  vi.stubGlobal('WebSocket', WebSocket);
  far = await startGateway({ config: TIME });
  near = await startGateway({ config: configFor(far.url) });
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await near.stop();
  await far.stop();
});

async function connect(kind: keyof typeof CLIENTS, url: string): Promise<Client> {
  const client = new Client({ name: 'tester', version: '1' });
  await client.connect(CLIENTS[kind](url) as Parameters<Client['connect']>[0]);
  return client;
}

test.each(Object.keys(CLIENTS) as (keyof typeof CLIENTS)[])('a client over %s reaches servers over every transport', async (kind) => {
  const client = await connect(kind, near.url);
  const names = await eventually('all upstreams are up', async () => {
    const { tools } = await client.listTools();
    return tools.length === 4 * UPSTREAMS.length ? tools.map(({ name }) => name) : undefined;
  });
  expect(new Set(names.map((name) => name.replace(/__.*/, '')))).toEqual(new Set(UPSTREAMS));
  for (const upstream of UPSTREAMS) {
    const { content } = await client.callTool({ name: `${upstream}__get_current_time`, arguments: {} });
    expect(content, upstream).toMatchObject([{ type: 'text' }]);
  }
  await client.close();
});

test('status and list name the kind of each', async () => {
  const { stdout } = await runSignalbox(['list', '--json', '--config', near.configFile, '--data', near.dataDir]);
  const { upstreams } = JSON.parse(stdout) as { upstreams: { name: string; kind: string; state: string }[] };
  expect(upstreams.map(({ name, kind, state }) => [name, kind, state])).toEqual([
    ['socket', 'websocket', 'ready'],
    ['old socket', 'websocket', 'ready'],
    ['sse', 'sse', 'ready'],
    ['found', 'http', 'ready'],
    ['http', 'http', 'ready'],
  ]);
  const check = await runSignalbox(['config', 'check', '--config', near.configFile]);
  expect(check.stdout).toContain('5 servers (2 http, 1 sse, 2 websocket)');
  const sockets = await runSignalbox(['list', '--kind', 'websocket', '--json', '--config', near.configFile, '--data', near.dataDir]);
  expect((JSON.parse(sockets.stdout) as { upstreams: object[] }).upstreams).toHaveLength(2);
});

test('servers that are killed and started again are used again, over every transport', async () => {
  const first = await startGateway({ config: TIME });
  const { port } = new URL(first.url);
  await using gateway = await startGateway({ config: configFor(first.url) });
  const client = await connect('Streamable HTTP', gateway.url);
  const call = async (upstream: string) => {
    const { content } = await client.callTool({ name: `${upstream}__get_current_time`, arguments: {} });
    return content as { type: string }[];
  };
  await eventually('all upstreams are up', async () =>
    (await client.listTools()).tools.length === 4 * UPSTREAMS.length ? true : undefined,
  );
  await first.stop('SIGKILL');
  await using second = await startGateway({ config: TIME, args: ['--port', port] });
  expect(second.url).toBe(first.url);
  for (const upstream of UPSTREAMS) {
    const content = await eventually(`${upstream} answers`, () => call(upstream).catch(() => undefined));
    expect(content, upstream).toMatchObject([{ type: 'text' }]);
  }
  await client.close();
});
