import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway } from './support/gateway.ts';

const server = fileURLToPath(new URL('servers/unlocking-server.mjs', import.meta.url));
const entry = (name: string) => ({ command: process.execPath, args: [server, '--stdio'], tools: { rename: { touch: `touch_${name}` } } });

test('where most go on to another server, a session’s own connection to it is open before its first call there', async () => {
  const learning = { enabled: true, openAhead: true };
  await using gateway = await startGateway({ config: { mcpServers: { first: entry('first'), second: entry('second') }, learning } });
  for (const name of ['first', 'second']) await untilState(gateway, name, 'ready');
  const stateOf = async (name: string) => {
    const answer = await askAdmin(gateway.dataDir, `/upstreams/${name}`, 'GET', {});
    return (await answer.json()) as { isolated: number; openedAhead: number; usedAhead: number; calls: number };
  };
  for (let session = 0; session < 6; session++) {
    await using client = await open(gateway.url);
    await client.touch('first');
    await client.touch('second');
  }
  await eventually('the connections of those sessions are closed', async () =>
    (await stateOf('second')).isolated === 0 ? true : undefined,
  );
  // Each of them calls once, so that what follows that call stays as it is.
  const client = await eventually('one is opened ahead', async () => {
    const next = await open(gateway.url);
    await next.touch('first');
    if ((await stateOf('second')).openedAhead > 0) return next;
    await next[Symbol.asyncDispose]();
    return undefined;
  });
  await using _ = client;
  expect(await stateOf('second')).toMatchObject({ isolated: 1, openedAhead: 1, usedAhead: 0, calls: 6 });
  await client.touch('second');
  expect(await stateOf('second')).toMatchObject({ isolated: 1, openedAhead: 1, usedAhead: 1, calls: 7 });
  expect(await stateOf('first')).toMatchObject({ openedAhead: 0 });
});

/** A client that can be asked, so that it gets a connection of its own. */
async function open(url: string) {
  const client = new Client({ name: 'e2e', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  const transport = new StreamableHTTPClientTransport(new URL(url));
  await client.connect(transport);
  return {
    touch: (upstream: string) => client.callTool({ name: `touch_${upstream}`, arguments: {} }),
    [Symbol.asyncDispose]: async () => {
      await transport.terminateSession();
      await client.close();
    },
  };
}
