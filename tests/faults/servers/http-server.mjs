// A Streamable HTTP MCP server that misbehaves on request: `--mode NAME`, see MODES. Without a mode it behaves.
// Options: --port N (0 takes a free one), --era both|handshake|modern, --name N, --prefix P, --tools N, --init-delay MS, --slow MS,
// --huge MIB.
// Prints one line of JSON when it listens: {"port":N}. The path is /mcp. `GET /stats` counts requests and sessions.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { createAnswers, failure, pause, success } from './answers.mjs';

const LIFETIME_MS = 120_000;

const { values: options } = parseArgs({
  options: {
    mode: { type: 'string', default: 'good' },
    port: { type: 'string', default: '0' },
    era: { type: 'string', default: 'handshake' },
    name: { type: 'string', default: 'faulty' },
    prefix: { type: 'string', default: '' },
    tools: { type: 'string', default: '0' },
    'init-delay': { type: 'string', default: '0' },
    slow: { type: 'string', default: '2000' },
    huge: { type: 'string', default: '100' },
  },
});

const answers = createAnswers({
  name: options.name,
  prefix: options.prefix,
  tools: Number(options.tools),
  era: options.era,
  initDelayMs: Number(options['init-delay']),
});
const sessions = new Set();
const stats = { requests: 0, initializes: 0, calls: 0 };

/** What each mode does with a `tools/call` in place of a good answer. `all` in front: with every request, the opening included. */
const MODES = {
  good: undefined,
  hang: () => undefined,
  'hang-all': () => undefined,
  'error-500': (_, response) => response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Internal Server Error</h1>'),
  'error-500-all': (_, response) => response.writeHead(500, { 'content-type': 'text/html' }).end('<h1>Internal Server Error</h1>'),
  'wrong-type': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>'),
  'bad-json': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id":'),
  'cut-body': (message, response) => {
    const body = JSON.stringify(success(message.id, {}));
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) + 100 });
    response.write(body);
    setTimeout(() => response.destroy(), 20);
  },
  'cut-stream': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('event: message\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"soon"}}\n\n');
    setTimeout(() => response.destroy(), 20);
  },
  'empty-stream': (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
  'wrong-id': (message, response) => sendJson(response, success(`not-${message.id}`, {})),
  // Forgets all sessions before the first call, as after a restart.
  'session-lost': (message, response) => {
    if (stats.calls > 1) return answerWell(message, response);
    sessions.clear();
    return sendJson(response, failure(message.id, -32001, 'Session not found'), 404);
  },
  huge: (message, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"content":[{"type":"text","text":"`);
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    let left = Number(options.huge);
    const more = () => {
      while (left-- > 0) if (!response.write(chunk)) return;
      response.end('"}]}}');
    };
    response.on('drain', more);
    more();
  },
  // Ends in the middle of a result, of which a good part has been sent.
  'cut-result': (message, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1024 * 1024 });
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":{"content":[{"type":"text","text":"`;
    response.write(head + 'x'.repeat(512 * 1024), () => setTimeout(() => response.destroy(), 20));
  },
  slow: async (message, response) => {
    await pause(Number(options.slow));
    return answerWell(message, response);
  },
  sse: async (message, response) => {
    const answer = await answers.answer(message);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`event: message\ndata: ${JSON.stringify(answer)}\n\n`);
  },
};

if (!(options.mode in MODES)) {
  process.stderr.write(`Unknown mode "${options.mode}"; known are ${Object.keys(MODES).join(', ')}\n`);
  process.exit(2);
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => void answerRequest(request, Buffer.concat(chunks), response));
});
server.listen(Number(options.port), '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`));
setTimeout(() => process.exit(9), LIFETIME_MS);

async function answerRequest(request, body, response) {
  if (request.url === '/stats') return sendJson(response, { ...stats, sessions: sessions.size });
  if (request.url !== '/mcp') return sendJson(response, failure(null, -32601, 'Not found'), 404);
  const session = request.headers['mcp-session-id'];
  if (request.method === 'DELETE') return response.writeHead(sessions.delete(session) ? 200 : 404).end();
  if (request.method !== 'POST') return response.writeHead(405, { allow: 'POST, DELETE' }).end();

  stats.requests++;
  const message = JSON.parse(body);
  const misbehave = MODES[options.mode];
  if (options.mode.endsWith('-all')) return misbehave(message, response);
  const isModern = message.params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined;
  if (!isModern && message.method !== 'initialize' && message.method !== 'server/discover' && !sessions.has(session)) {
    return sendJson(response, failure(message.id ?? null, -32001, 'Session not found'), session === undefined ? 400 : 404);
  }
  if (message.method === 'initialize') stats.initializes++;
  if (message.method !== 'tools/call' || misbehave === undefined) return answerWell(message, response);
  stats.calls++;
  return misbehave(message, response);
}

async function answerWell(message, response) {
  const answer = await answers.answer(message);
  if (answer === undefined) return response.writeHead(202).end();
  if (message.method === 'initialize' && answer.result !== undefined) {
    const session = randomUUID();
    sessions.add(session);
    response.setHeader('mcp-session-id', session);
  }
  return sendJson(response, answer, answer.error === undefined || message.method === 'tools/call' ? 200 : statusOf(answer.error));
}

function statusOf({ code }) {
  return code === -32601 ? 404 : 400;
}

function sendJson(response, value, status = 200) {
  const body = JSON.stringify(value);
  return response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
}
