// The least that puts one stdio server behind HTTP: node:http, one shared child, ids replaced by text, no sessions, no checks.
// The yardstick for stdio multiplexing. The arguments are the command of the server. Prints {"port":N}.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';

const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
const waiting = new Map();
let lastId = 0;
let rest = '';

child.stdout.setEncoding('latin1').on('data', (text) => {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const [head, id] = /"id":(\d+)/.exec(line) ?? [];
    const entry = waiting.get(Number(id));
    if (entry === undefined) continue;
    waiting.delete(Number(id));
    const body = line.replace(head, entry.id);
    entry.response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    entry.response.end(body, 'latin1');
  }
});

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    // One byte is one character, so that lengths and offsets are those of the bytes.
    const line = (chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)).latin1Slice();
    const [id] = /"id":(?:\d+|"[^"]*")/.exec(line) ?? [];
    if (id === undefined) {
      if (line !== '') child.stdin.write(`${line}\n`, 'latin1');
      response.writeHead(202).end();
      return;
    }
    waiting.set(++lastId, { id, response });
    child.stdin.write(`${line.replace(id, `"id":${lastId}`)}\n`, 'latin1');
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(JSON.stringify({ port: server.address().port })));
process.on('SIGTERM', () => {
  child.kill('SIGKILL');
  process.exit(0);
});
