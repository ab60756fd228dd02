// Checks dice.mjs over stdio and HTTP, in both generations of the protocol. Exits with 1 when something is not as it should be.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const dice = fileURLToPath(new URL('dice.mjs', import.meta.url));

for (const mode of ['legacy', { pin: '2026-07-28' }]) {
  const name = mode === 'legacy' ? 'handshake' : 'modern';
  await check(`stdio, ${name}`, mode, new StdioClientTransport({ command: process.execPath, args: [dice] }));
}

const server = spawn(process.execPath, [dice, '--http', '0'], { stdio: ['ignore', 'inherit', 'pipe'] });
try {
  const url = await readUrl(server.stderr);
  for (const mode of ['legacy', { pin: '2026-07-28' }]) {
    const name = mode === 'legacy' ? 'handshake' : 'modern';
    await check(`HTTP, ${name}`, mode, new StreamableHTTPClientTransport(url));
  }
} finally {
  server.kill();
}

// Importing the file starts nothing, which is how the gateway mounts it.
const { module } = await import('./dice.mjs');
assert.equal(module.name, 'dice');
console.log('ok: imported');
await import('./notes.check.mjs');

// What a tool prints goes to stderr, not between the messages on stdout.
const chatty = `
  import { defineModule, defineTool, serve } from '@signalbox/tools';
  const talk = defineTool({ name: 'talk', description: 'Prints and answers.', run: () => (console.log('printed'), 'answered') });
  await serve(defineModule({ name: 'chatty', version: '1.0.0', tools: [talk] }));
`;
const cwd = fileURLToPath(new URL('.', import.meta.url));
const talker = new StdioClientTransport({ command: process.execPath, args: ['--input-type=module', '-e', chatty], cwd, stderr: 'pipe' });
let printed = '';
talker.stderr.on('data', (chunk) => (printed += chunk));
const listener = new Client({ name: 'check', version: '0' });
await listener.connect(talker);
assert.equal((await listener.callTool({ name: 'talk' })).content[0].text, 'answered');
const ended = once(talker.stderr, 'end', { signal: AbortSignal.timeout(10_000) });
await listener.close();
await ended;
assert.equal(printed, 'printed\n');
console.log('ok: printing');

async function check(name, mode, transport) {
  const client = new Client({ name: 'check', version: '0' }, { versionNegotiation: { mode } });
  await client.connect(transport);
  try {
    const { tools } = await client.listTools();
    assert.equal(tools[0].name, 'roll_dice');
    assert.equal(tools[0].inputSchema.properties.sides.maximum, 1000);

    const { structuredContent } = await client.callTool({ name: 'roll_dice', arguments: { count: 3 } });
    assert.equal(structuredContent.rolls.length, 3);
    assert.ok(structuredContent.rolls.every((roll) => roll >= 1 && roll <= 6));

    const refused = await client.callTool({ name: 'roll_dice', arguments: { sides: 'six' } });
    assert.equal(refused.isError, true);
    assert.match(refused.content[0].text, /^- sides: /m);
    await assert.rejects(client.callTool({ name: 'roll_dices' }), /did you mean "roll_dice"/);
    console.log(`ok: ${name}`);
  } finally {
    await client.close();
  }
}

async function readUrl(stderr) {
  for await (const line of createInterface({ input: stderr, signal: AbortSignal.timeout(10_000) })) {
    const found = /http:\/\/\S+/.exec(line);
    if (found !== null) return new URL(found[0]);
  }
  throw new Error('dice.mjs ended without saying where it listens');
}
