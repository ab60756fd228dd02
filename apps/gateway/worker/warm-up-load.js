// The client and the server on both sides of a gateway that warms up. In a thread of its own, so that the code of the gateway
// is run by the gateway's part alone: V8 optimizes for all the uses it has seen. Plain JavaScript, because a worker is started
// from a file and sources and build share this one.
import { randomUUID } from 'node:crypto';
import { Agent, createServer, request } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';

// A revision of each generation.
const { modern: MODERN, handshake: HANDSHAKE } = workerData;
const META = 'io.modelcontextprotocol/';
const BATCH = 8;

const TEXT = 'What a tool says, with "quotes", an escape \\ and a naïve façade. ';
const SMALL = TEXT.repeat(3);
const LARGE = `${TEXT}\n`.repeat(1000);
const TOOLS = ['small', 'large', 'told'].map((name) => ({
  name,
  description: 'Stands for the tools of real servers. '.repeat(5),
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', maxLength: 10_000 }, count: { type: 'integer', minimum: 0 } },
    additionalProperties: false,
  },
}));
const INFO = { name: 'warm-up', version: '1' };

const sessions = new Set();
const server = createServer((incoming, response) => {
  let body = '';
  incoming.setEncoding('utf8').on('data', (text) => (body += text));
  incoming.on('end', () => answer(incoming, body, response));
});

function answer({ method, headers }, body, response) {
  const session = headers['mcp-session-id'];
  if (method === 'DELETE') return response.writeHead(sessions.delete(session) ? 200 : 404, { 'content-length': 0 }).end();
  if (method !== 'POST') return response.writeHead(405, { 'content-length': 0 }).end();
  const message = JSON.parse(body);
  const meta = message.params?._meta;
  const isModern = meta?.[`${META}protocolVersion`] !== undefined;
  if (message.id === undefined) return response.writeHead(202, { 'content-length': 0 }).end();
  const result = resultOf(message, isModern);
  const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, ...(result === undefined ? { error: UNKNOWN } : { result }) });
  if (message.method === 'initialize') {
    const opened = randomUUID();
    sessions.add(opened);
    return send(response, text, { 'mcp-session-id': opened });
  }
  if (message.params?.name !== 'told' || meta?.progressToken === undefined) return send(response, text);
  const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: meta.progressToken, progress: 1 } };
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.end(`event: message\ndata: ${JSON.stringify(progress)}\n\nevent: message\ndata: ${text}\n\n`);
}

const UNKNOWN = { code: -32601, message: 'Method not found' };

function resultOf({ method, params }, isModern) {
  const result = plainResultOf(method, params);
  return isModern && result !== undefined ? { resultType: 'complete', ...result, _meta: { [`${META}serverInfo`]: INFO } } : result;
}

function plainResultOf(method, params) {
  switch (method) {
    case 'initialize':
      return { protocolVersion: HANDSHAKE, capabilities: { tools: {} }, serverInfo: INFO };
    case 'server/discover':
      return { supportedVersions: [MODERN, HANDSHAKE], capabilities: { tools: {} }, ttlMs: 60_000, cacheScope: 'public' };
    case 'tools/list':
      return { tools: TOOLS, ttlMs: 60_000, cacheScope: 'public' };
    case 'tools/call':
      return { content: [{ type: 'text', text: params.name === 'large' ? LARGE : SMALL }] };
    case 'ping':
      return {};
    default:
      return undefined;
  }
}

function send(response, text, headers) {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers }).end(text);
}

const agent = new Agent({ keepAlive: true, maxSockets: BATCH });
let lastId = 0;

/** One client of a gateway: a session of the handshake generation, or requests of the modern one. */
class Client {
  #url;
  #headers;
  #isModern;

  constructor({ url, token }, isModern) {
    this.#url = url;
    this.#isModern = isModern;
    this.#headers = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      authorization: `Bearer ${token}`,
      ...(isModern && { 'mcp-protocol-version': MODERN }),
    };
  }

  async open() {
    if (this.#isModern) return;
    const { headers } = await this.ask('initialize', { protocolVersion: HANDSHAKE, capabilities: {}, clientInfo: INFO });
    this.#headers['mcp-protocol-version'] = HANDSHAKE;
    this.#headers['mcp-session-id'] = headers['mcp-session-id'];
    await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  }

  async close() {
    if (!this.#isModern) await this.#send('DELETE', '');
  }

  async ask(method, params, progressToken) {
    const id = ++lastId;
    const own = this.#isModern && {
      [`${META}protocolVersion`]: MODERN,
      [`${META}clientInfo`]: INFO,
      [`${META}clientCapabilities`]: {},
    };
    const _meta = own || progressToken !== undefined ? { ...own, ...(progressToken !== undefined && { progressToken }) } : undefined;
    const named = this.#isModern && { 'mcp-method': method, ...(params.name !== undefined && { 'mcp-name': params.name }) };
    const answered = await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }), named);
    if (!answered.text.includes('"result"')) throw new Error(`${method} got HTTP ${answered.status}: ${answered.text.slice(0, 200)}`);
    return answered;
  }

  #send(method, body, headers) {
    return new Promise((resolve, reject) => {
      const length = method === 'POST' && { 'content-length': Buffer.byteLength(body) };
      const sent = request(this.#url, { method, agent, headers: { ...this.#headers, ...headers, ...length } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text })).on('error', reject);
      });
      sent.on('error', reject).end(body);
    });
  }
}

// All kinds of calls every few rounds, and the common one in each.
async function run({ url, token, round, prefix }) {
  const client = new Client({ url, token }, round % 2 === 1);
  await client.open();
  const repeat = (ask) => Promise.all(Array.from({ length: BATCH }, ask));
  const call = (name, args, token) => repeat(() => client.ask('tools/call', { name: prefix + name, arguments: args }, token));
  await call('small', { text: SMALL, count: round });
  if (round % 4 === 3) await repeat(() => client.ask('tools/list', {}));
  else await call('large', {});
  if (round % 4 === 1) await call('told', {}, `round ${round}`);
  await client.close();
}

parentPort.on('message', (order) => {
  run(order).then(
    () => parentPort.postMessage({ kind: 'done' }),
    (error) => parentPort.postMessage({ kind: 'failed', message: error.message }),
  );
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage({ kind: 'ready', url: `http://127.0.0.1:${server.address().port}/mcp` }));
