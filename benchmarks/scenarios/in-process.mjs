import { createDesiredState } from '../../packages/control-plane/dist/index.js';
import { parseGatewayConfig, silentLogger, systemClock } from '../../packages/core/dist/index.js';
import { createDataPlane, outcomeCodec } from '../../packages/data-plane/dist/index.js';
import { openChannel } from '../../packages/protocol/dist/index.js';
import { PeerContext } from '../../packages/protocol/dist/peers/peer-context.js';
import { HttpEndpoint } from '../../packages/protocol/dist/transports/http-endpoint.js';
import { SEAL_KEY_BYTES, createSeal } from '../../packages/security/dist/index.js';
import { createAnswerCache, createMemoryCache, createMemoryDocuments } from '../../packages/storage/dist/index.js';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';

const MODERN = '2026-07-28';
const HANDSHAKE = '2025-11-25';
/** Messages under way at once. */
const BATCH = 64;

export const benchmark = {
  name: 'in-process',
  about:
    'What a call costs between sockets: its body read strictly, its session found, every stage run, the request to the upstream written, the ' +
    'answer read and the body of the reply written. For clients of both generations, and a list of 200 tools. And one look at the wanted state, and one compare-and-set of it among ten upstreams. Beside them ' +
    '`JSON.parse` of the body of the call, as machines differ.',
  budgets: [
    { metric: 'µs per call, handshake client', atMost: 10 },
    { metric: 'µs per call, modern client', atMost: 10 },
    { metric: 'messages a second', atLeast: 100_000 },
    { metric: 'µs per list of 200 tools', atMost: 10 },
    { metric: 'µs per look at the state', atMost: 1 },
    { metric: 'µs per change of the state', atMost: 10 },
  ],

  async run({ quick }) {
    const { endpoint, state, close } = await start();
    const session = await openSession(endpoint);
    const params = { name: 'echo', arguments: { text: 'The quick brown fox jumps over the lazy dog; naïve façade. '.repeat(3), count: 3 } };
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientInfo': { name: 'benchmark', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const modern = { ...HEADERS, 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'echo' };
    const calls = quick ? 20_000 : 60_000;
    const ways = {
      'handshake client': () => sendAll(endpoint, session, calls, (id) => ({ id, method: 'tools/call', params })),
      'modern client': () => sendAll(endpoint, modern, calls, (id) => ({ id, method: 'tools/call', params: { ...params, _meta } })),
      'list of 200 tools': () => sendAll(endpoint, session, calls, (id) => ({ id, method: 'tools/list', params: {} })),
      'look at the state': () => lookAt(state, calls * 20),
      'change of the state': () => changeState(calls),
      'JSON.parse of the call': () => parseAll(calls, { id: 1, method: 'tools/call', params }),
    };
    const measure = async (variant) => {
      const before = process.cpuUsage();
      const count = await ways[variant]();
      const { user, system } = process.cpuUsage(before);
      return { cpuUs: (user + system) / count };
    };
    for (const variant of Object.keys(ways)) await measure(variant);
    const samples = await alternate(Object.keys(ways), { rounds: quick ? 3 : 9, measure });
    await close();
    const cpuOf = (variant) => samples.get(variant).map(({ cpuUs }) => cpuUs);
    return {
      rows: toRows(samples),
      metrics: {
        'µs per call, handshake client': summarize(cpuOf('handshake client')),
        'µs per call, modern client': summarize(cpuOf('modern client')),
        'messages a second': summarize(cpuOf('handshake client').map((cpuUs) => 1e6 / cpuUs)),
        'µs per list of 200 tools': summarize(cpuOf('list of 200 tools')),
        'µs per look at the state': summarize(cpuOf('look at the state')),
        'µs per change of the state': summarize(cpuOf('change of the state')),
        'handshake client / JSON.parse of the call': ratio(samples, 'cpuUs', { of: 'handshake client', to: 'JSON.parse of the call' }),
        'modern client / JSON.parse of the call': ratio(samples, 'cpuUs', { of: 'modern client', to: 'JSON.parse of the call' }),
      },
    };
  },
};

const HEADERS = { host: 'localhost', 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Takes an answer and keeps its size only, as a socket would have taken it. */
class Sink {
  destroyed = false;
  headersSent = false;
  writableLength = 0;
  shouldKeepAlive = true;
  status = 0;
  headers = [];
  bytes = 0;
  onEnd;
  constructor(onEnd) {
    this.onEnd = onEnd;
  }
  setHeader() {
    return this;
  }
  writeHead(status, headers) {
    this.status = status;
    this.headers = headers;
    return this;
  }
  flushHeaders() {}
  write(part) {
    this.bytes += part.length;
    return true;
  }
  end(part) {
    if (part !== undefined) this.write(part);
    this.destroyed = true;
    this.onEnd(this);
    return this;
  }
  cork() {}
  uncork() {}
  destroy() {
    return this;
  }
  on() {
    return this;
  }
}

async function sendAll(endpoint, headers, calls, toMessage) {
  const bodies = Array.from({ length: BATCH }, (_, id) => Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...toMessage(id) })));
  let done = 0;
  while (done < calls) {
    await new Promise((resolve, reject) => {
      let open = BATCH;
      for (const body of bodies) {
        const sink = new Sink(({ status, bytes }) => {
          if (status !== 200 || bytes < 100) reject(new Error(`A call failed with status ${status}`));
          if (--open === 0) resolve();
        });
        endpoint.serve({ method: 'POST', url: '/mcp', headers, body, complete: true }, sink);
      }
    });
    done += BATCH;
  }
  return done;
}

async function openSession(endpoint) {
  const params = { protocolVersion: HANDSHAKE, capabilities: {}, clientInfo: { name: 'benchmark', version: '1' } };
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }));
  const { headers } = await new Promise((resolve) => {
    endpoint.serve({ method: 'POST', url: '/mcp', headers: HEADERS, body, complete: true }, new Sink(resolve));
  });
  return { ...HEADERS, 'mcp-protocol-version': HANDSHAKE, 'mcp-session-id': headers[headers.indexOf('Mcp-Session-Id') + 1] };
}

async function parseAll(times, message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
  let seen = 0;
  for (let count = 0; count < times; count++) seen += JSON.parse(body.toString()).id;
  return seen;
}

async function lookAt(state, times) {
  let seen = 0;
  for (let count = 0; count < times; count++) seen += state.current.upstreams.get('echo') === undefined ? 0 : 1;
  if (seen !== times) throw new Error('The state lost its upstream');
  return times;
}

/** Each change is a whole new snapshot, and a watcher is told of it. */
async function changeState(times) {
  const mcpServers = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`server${index}`, { module: 'echo' }]));
  const state = createDesiredState({ initial: parseGatewayConfig({ mcpServers }) });
  let told = 0;
  state.watch((next, previous) => (told += next.version - previous.version));
  for (let count = 0; count < times; count++) state.restart('server5', { ifVersion: state.current.version });
  if (told !== times || state.current.version !== times + 1) throw new Error('A change was lost');
  return times;
}

async function start() {
  const state = createDesiredState({ initial: parseGatewayConfig({ mcpServers: { echo: { module: 'echo' } } }) });
  const dataPlane = await createDataPlane({
    state,
    documents: createMemoryDocuments(),
    cache: createMemoryCache({ maxBytes: 1_000_000, clock: systemClock }),
    answers: createAnswerCache({ memoryBytes: 1_000_000, ...outcomeCodec, clock: systemClock, logger: silentLogger }),
    journal: { write: () => undefined },
    open: async ({ desired, onNotification }) => ({
      connection: await openChannel(new EchoChannel(), {
        upstream: desired.name,
        client: { name: 'signalbox', version: '1' },
        revision: 'handshake',
        handshakeMs: 1000,
        maxMessageBytes: 1e6,
        onNotification,
      }),
      pid: undefined,
      stderr: () => [],
    }),
    clock: systemClock,
    logger: silentLogger,
    info: { name: 'benchmark', version: '1' },
  });
  dataPlane.start();
  const context = new PeerContext({ handler: dataPlane.handler, seal: createSeal({ key: Buffer.alloc(SEAL_KEY_BYTES, 7) }) });
  const limits = { maxMessageBytes: 1e6, maxDepth: 64 };
  const sessions = { idleSeconds: 600, max: 100, maxAgeSeconds: 600 };
  const endpoint = new HttpEndpoint({ context, place: '/mcp', principal: 'local', limits, sessions, clock: systemClock });
  const session = await openSession(endpoint);
  await sendAll(endpoint, session, 1, (id) => ({ id, method: 'tools/list', params: {} }));
  const close = async () => {
    endpoint.close('The benchmark is over');
    await dataPlane.close();
  };
  return { endpoint, state, close };
}

const INPUT_SCHEMA = {
  type: 'object',
  properties: { text: { type: 'string' }, count: { type: 'integer', minimum: 0 } },
  required: ['text'],
  additionalProperties: false,
};
const TOOLS = Array.from({ length: 200 }, (_, index) => ({
  name: index === 0 ? 'echo' : `tool_${index}`,
  description: 'Does what its name says, and nothing else besides. '.repeat(4),
  inputSchema: INPUT_SCHEMA,
}));
const RESULTS = {
  initialize: { protocolVersion: HANDSHAKE, capabilities: { tools: {} }, serverInfo: { name: 'echo', version: '1' } },
  'tools/list': { tools: TOOLS },
  'tools/call': {
    content: [{ type: 'text', text: 'The quick brown fox jumps over the lazy dog; naïve façade. '.repeat(3) }],
    isError: false,
  },
};

/** A server at the end of a channel that answers as soon as everything else has had its turn. */
class EchoChannel {
  onMessage;
  onClose;
  #waiting = [];
  #results = Object.fromEntries(Object.entries(RESULTS).map(([method, result]) => [method, JSON.stringify(result)]));

  send(message) {
    const found = /"id":(\d+),"method":"([^"]+)"/.exec(message.toString('latin1', 0, 100));
    if (found === null) return;
    if (this.#waiting.push(found) === 1) queueMicrotask(() => this.#answer());
  }

  async close() {
    this.onClose('closed');
  }

  #answer() {
    for (const [, id, method] of this.#waiting.splice(0)) {
      this.onMessage(Buffer.from(`{"jsonrpc":"2.0","id":${id},"result":${this.#results[method] ?? '{}'}}`));
    }
  }
}
