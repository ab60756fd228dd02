// Checks server.py with both generations of the official client. Exits with 1 when something is not as it should be.
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import * as current from '@modelcontextprotocol/client';
import * as currentStdio from '@modelcontextprotocol/client/stdio';
import * as earlier from '@modelcontextprotocol/sdk/client/index.js';
import * as earlierStdio from '@modelcontextprotocol/sdk/client/stdio.js';

const server = { command: 'python3', args: [fileURLToPath(new URL('server.py', import.meta.url))] };

await check(
  '@modelcontextprotocol/client',
  new current.Client({ name: 'check', version: '0' }),
  new currentStdio.StdioClientTransport(server),
);
await check(
  '@modelcontextprotocol/sdk',
  new earlier.Client({ name: 'check', version: '0' }),
  new earlierStdio.StdioClientTransport(server),
);

async function check(name, client, transport) {
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map((tool) => tool.name),
      ['describe_numbers', 'count_down'],
    );

    const described = await client.callTool({ name: 'describe_numbers', arguments: { numbers: [1, 2, 6] } });
    assert.deepEqual(described.structuredContent, { mean: 3, median: 2, smallest: 1, largest: 6 });

    const refused = await client.callTool({ name: 'describe_numbers', arguments: { numbers: [] } });
    assert.equal(refused.isError, true);
    assert.equal(refused.content[0].text, '"numbers" must be a list of at least one number');
    await assert.rejects(client.callTool({ name: 'describe' }), { code: -32602 });

    const reports = [];
    const onprogress = ({ progress, total }) => reports.push([progress, total]);
    const counted = await countDown(client, 3, { onprogress });
    assert.equal(counted.content[0].text, 'Counted down from 3');
    // The last report and the answer may arrive together, and a client drops reports that come after the answer.
    assert.deepEqual(reports.slice(0, 2), [
      [1, 3],
      [2, 3],
    ]);

    const controller = new AbortController();
    const cancelled = countDown(client, 600, { signal: controller.signal, onprogress: () => controller.abort() });
    await assert.rejects(cancelled);
    await client.ping();

    const { contents } = await client.readResource({ uri: 'signalbox-example://readme' });
    assert.match(contents[0].text, /^Two tools in Python 3/);
    await assert.rejects(client.readResource({ uri: 'signalbox-example://missing' }));
    console.log(`ok: server.py with ${name}`);
  } finally {
    await client.close();
  }
}

// The two generations of the client differ in where the options stand.
function countDown(client, start, options) {
  const call = { name: 'count_down', arguments: { start } };
  return client instanceof current.Client ? client.callTool(call, options) : client.callTool(call, undefined, options);
}
