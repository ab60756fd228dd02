import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  ElicitRequestSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProgram } from '../conformance/kit/start-program.mjs';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';

const server = fileURLToPath(new URL('servers/unlocking-server.mjs', import.meta.url));
const always = ['unlock', 'touch', 'lists', 'forget'];
const note = { uri: 'note://one' };
// Longer than lists that changed are waited for before they are read again.
const quietMs = 400;

/** A client that can be asked, so that it gets a server of its own. */
async function open(url: string) {
  const client = new Client({ name: 'e2e', version: '1.0.0' }, { capabilities: { elicitation: {} } });
  const heard = { tools: 0, notes: 0 };
  client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'cancel' }));
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void heard.tools++);
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void (params.uri === note.uri && heard.notes++));
  await client.connect(new StreamableHTTPClientTransport(new URL(url)));
  return {
    client,
    heard,
    tools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name: string, args = {}) => {
      const { content } = await client.callTool({ name, arguments: args });
      return (content as { text: string }[])[0]!.text;
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

describe.each(['stdio', 'http'])('a session that has a server of its own over %s', (transport) => {
  let gateway: RunningGateway;
  let stopServer = () => Promise.resolve();

  beforeAll(async () => {
    const tools = { deny: ['hidden'], rename: { secret: 'our_secret' } };
    gateway = await startGateway({
      config: { mcpServers: { own: { ...(await toEntry()), tools } }, virtualServers: { find: { surface: 'search' } } },
    });
    await using client = await open(gateway.url);
    await eventually('the server is listed', async () => ((await client.tools()).length > 0 ? true : undefined));
  });

  afterAll(async () => {
    await gateway?.stop();
    await stopServer();
  });

  async function toEntry() {
    if (transport === 'stdio') return { command: process.execPath, args: [server, '--stdio'] };
    const { found, stop } = await startProgram({ command: process.execPath, args: [server], ready: /http:\/\/\S+/ });
    stopServer = stop;
    return { url: found[0] };
  }

  test('hears that its list changed, sees what is new and calls it, under our rules; and nobody else does', async () => {
    await using one = await open(gateway.url);
    await using other = await open(gateway.url);
    expect(await other.call('touch')).toBe('touched for 0');

    expect(await one.call('unlock')).toBe('unlocked');
    await eventually('the change is told', () => (one.heard.tools > 0 ? true : undefined));
    await pause(quietMs);

    expect(one.heard.tools).toBe(1);
    expect(await one.tools()).toEqual([...always, 'our_secret']);
    expect(await one.call('our_secret', { word: 'xyzzy' })).toBe('the secret is xyzzy');
    expect(await one.call('our_secret', { word: 7 })).toContain('"word" must be string, not 7');
    await expect(one.call('hidden', { word: 'xyzzy' })).rejects.toThrow(/Unknown tool/);
    expect(other.heard.tools).toBe(0);
    expect(await other.tools()).toEqual(always);
    await expect(other.call('our_secret', { word: 'xyzzy' })).rejects.toThrow(/Unknown tool/);
  });

  test('finds and calls what is new where tools are searched for', async () => {
    await using one = await open(new URL('/mcp/find', gateway.url).href);
    expect(await one.call('call_tool', { name: 'unlock', arguments: {} })).toBe('unlocked');
    const found = await eventually('the tool is found', async () => {
      const text = await one.call('search_tools', { needs: ['secret'] });
      return text.includes('our_secret') ? text : undefined;
    });
    expect(found).not.toContain('hidden');
    expect(await one.call('call_tool', { name: 'our_secret', arguments: { word: 'plugh' } })).toBe('the secret is plugh');
    expect(one.heard.tools).toBe(0);
  });

  test('sees what all see again, and is told, when its server has forgotten it', async () => {
    await using one = await open(gateway.url);
    await one.call('unlock');
    await eventually('the change is told', () => (one.heard.tools === 1 ? true : undefined));
    expect(await one.tools()).toContain('our_secret');

    expect(await one.call('forget')).toBe('forgetting');

    await eventually('the change back is told', () => (one.heard.tools === 2 ? true : undefined));
    expect(await one.tools()).toEqual(always);
    expect(await one.call('lists')).toBe(`listed ${transport === 'http' ? 1 : 0} times`);
  });

  test('costs its server no list while nothing has changed', async () => {
    await using one = await open(gateway.url);
    await one.call('touch');
    await one.tools();
    await pause(quietMs);
    expect(await one.call('lists')).toBe('listed 0 times');
    expect(await one.tools()).toEqual(always);
  });

  test.each(['before', 'after'])('hears once of a resource it subscribed to %s it had that server, until it unsubscribes', async (when) => {
    await using one = await open(gateway.url);
    await using other = await open(gateway.url);
    if (when === 'after') await one.call('touch');
    await one.client.subscribeResource(note);
    await other.client.subscribeResource(note);
    await eventually('the server knows', async () => ((await one.call('touch')) === 'touched for 1' ? true : undefined));
    await eventually('the update is told', () => (one.heard.notes > 0 ? true : undefined));
    const before = one.heard.notes;
    await one.call('touch');
    await pause(quietMs);
    expect(one.heard.notes).toBe(before + 1);
    expect(other.heard.notes).toBe(0);

    await one.client.unsubscribeResource(note);
    await eventually('the server knows', async () => ((await one.call('touch')) === 'touched for 0' ? true : undefined));
  });
});
