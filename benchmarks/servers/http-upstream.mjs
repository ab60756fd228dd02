// Streamable HTTP MCP servers in one process, on raw sockets so that they cost little beside what is measured.
// The path says which: /N/mcp is one of N tools, /slow/mcp opens only after --init-delay MS. Prints {"port":N}.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { HttpReader } from '../lib/http-reader.mjs';
import { createAnswers } from './answers.mjs';

const { values } = parseArgs({ options: { 'init-delay': { type: 'string', default: '3000' } } });
const answersByPath = new Map();
const sessions = new Set();

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy());
  // Answers leave in the order of their requests, as HTTP/1.1 wants it.
  let last = Promise.resolve();
  let waiting = 0;
  const writeAfter = async (earlier, answer) => {
    await earlier;
    socket.write(await answer);
    waiting--;
  };
  const reader = new HttpReader((request) => {
    const answer = answerRequest(request);
    if (typeof answer === 'string' && waiting === 0) {
      socket.write(answer);
      return;
    }
    waiting++;
    last = writeAfter(last, answer);
  });
  socket.on('data', (bytes) => reader.push(bytes));
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(JSON.stringify({ port: server.address().port })));

function answerRequest(request) {
  const [method, path] = request.startLine.split(' ');
  const session = request.header('mcp-session-id');
  if (method === 'DELETE') return respond(sessions.delete(session) ? 200 : 404);
  if (method !== 'POST') return respond(405);
  const message = JSON.parse(request.body.toString('utf8'));
  const isHandshake = message.params?._meta?.['io.modelcontextprotocol/protocolVersion'] === undefined;
  if (isHandshake && message.method !== 'initialize' && !sessions.has(session)) return respond(session === undefined ? 400 : 404);
  const answer = answersAt(path)(message);
  if (answer === undefined) return respond(202);
  if (message.method !== 'initialize') return typeof answer === 'string' ? respond(200, answer) : answer.then((late) => respond(200, late));
  const opened = randomUUID();
  sessions.add(opened);
  return Promise.resolve(answer).then((text) => respond(200, text, `Mcp-Session-Id: ${opened}\r\n`));
}

function answersAt(path) {
  if (!answersByPath.has(path)) {
    const [, kind] = path.split('/');
    const isSlow = kind === 'slow';
    answersByPath.set(
      path,
      isSlow
        ? createAnswers({ name: 'slow', prefix: 'slow_', initDelayMs: Number(values['init-delay']) })
        : createAnswers({ name: 'http', tools: Number(kind) }),
    );
  }
  return answersByPath.get(path);
}

function respond(status, body = '', headers = '') {
  const type = body === '' ? '' : 'Content-Type: application/json\r\n';
  return `HTTP/1.1 ${status} X\r\n${type}${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
