// A reverse proxy of node:http and nothing else, the yardstick for HTTP forwarding. Option: --to URL. Prints {"port":N}.
import { Agent, createServer, request as sendRequest } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { to: { type: 'string' } } });
const target = new URL(values.to);
const agent = new Agent({ keepAlive: true, maxSockets: 256, noDelay: true });

const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
  const forwarded = sendRequest(
    {
      agent,
      host: target.hostname,
      port: target.port,
      path: target.pathname,
      method: incoming.method,
      headers: { ...incoming.headers, host: target.host },
    },
    (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    },
  );
  forwarded.on('error', () => outgoing.destroy());
  incoming.pipe(forwarded);
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => console.log(JSON.stringify({ port: server.address().port })));
process.on('SIGTERM', () => process.exit(0));
