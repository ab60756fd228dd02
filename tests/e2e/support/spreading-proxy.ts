import { once } from 'node:events';
import { createServer, request as sendRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes each request on over a connection of its own, so that those of one client land in all workers. */
export async function startSpreadingProxy(target: string): Promise<{ readonly url: string } & AsyncDisposable> {
  const { host, port, hostname, pathname } = new URL(target);
  const server = createServer((request, response) => {
    const { method, headers, url } = request;
    const passed = sendRequest({ agent: false, hostname, port, path: url, method, headers: { ...headers, host, connection: 'close' } });
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.rawHeaders);
      response.flushHeaders();
      answer.pipe(response);
      answer.on('error', () => response.destroy());
    });
    passed.on('error', () => response.destroy());
    response.on('close', () => passed.destroy());
    request.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
