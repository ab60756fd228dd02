// Starts the gateway with signalbox.json and calls both servers through its one address. Exits with 1 when something is not as it should be.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const WAIT_MS = 15_000;
const program = fileURLToPath(import.meta.resolve('signalbox/bin/signalbox.js'));
const config = fileURLToPath(new URL('signalbox.json', import.meta.url));
const data = await mkdtemp(join(tmpdir(), 'signalbox-mounted-'));

const gateway = spawn(process.execPath, [program, 'serve', '--json', '--config', config, '--port', '0', '--data', data], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const exited = once(gateway, 'exit');
try {
  const url = await untilReady(gateway.stdout, ['dice', 'numbers']);
  for (const mode of ['legacy', { pin: '2026-07-28' }]) await check(url, mode);
} finally {
  gateway.kill();
  const [code] = await exited;
  await rm(data, { recursive: true, force: true });
  assert.equal(code, 0);
}

async function check(url, mode) {
  const client = new Client({ name: 'check', version: '0' }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(url));
  try {
    const { tools } = await client.listTools();
    assert.deepEqual(
      tools.map(({ name }) => name),
      ['roll_dice', 'describe_numbers', 'count_down'],
    );

    const rolled = await client.callTool({ name: 'roll_dice', arguments: { count: 5 } });
    const { rolls } = rolled.structuredContent;
    assert.equal(rolls.length, 5);

    const described = await client.callTool({ name: 'describe_numbers', arguments: { numbers: rolls } });
    assert.equal(described.structuredContent.largest, Math.max(...rolls));

    // Neither server sees this call: the gateway knows their schemas.
    const refused = await client.callTool({ name: 'describe_numbers', arguments: { numbers: 'five' } });
    assert.equal(refused.isError, true);
    assert.match(refused.content[0].text, /"numbers"/);
    console.log(`ok: both through one address, ${client.getNegotiatedProtocolVersion()}`);
  } finally {
    await client.close();
  }
}

/** Reads what the gateway prints, one JSON object a line, until it listens and all upstreams are ready. */
async function untilReady(stdout, names) {
  const missing = new Set(names);
  let url;
  for await (const line of createInterface({ input: stdout, signal: AbortSignal.timeout(WAIT_MS) })) {
    const event = JSON.parse(line);
    if (event.event === 'ready') url = new URL(event.url);
    if (event.event === 'upstream' && event.state === 'failed') throw new Error(event.reason);
    if (event.event === 'upstream' && event.state === 'ready') missing.delete(event.name);
    if (url !== undefined && missing.size === 0) return url;
  }
  throw new Error(`The gateway did not get ready in ${WAIT_MS} ms; missing are ${[...missing].join(', ') || 'none'}`);
}
