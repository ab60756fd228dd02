import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startFixture } from '../conformance/through-gateway.mjs';
import { ANSWERING_CLIENTS, openAnsweringClient } from './support/answering-clients.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';

const fixture = fileURLToPath(new URL('../conformance/fixture/server.mjs', import.meta.url));

const UPSTREAMS = [
  { era: 'handshake', transport: 'stdio' },
  { era: 'handshake', transport: 'http' },
  { era: 'modern', transport: 'stdio' },
  { era: 'modern', transport: 'http' },
] as const;

describe.each(UPSTREAMS)('a server of the $era generation over $transport', ({ era, transport }) => {
  let gateway: RunningGateway;
  const servers: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    gateway = await startGateway({
      config: { mcpServers: { fixture: await toEntry() }, virtualServers: { find: { surface: 'search' } } },
    });
    await using client = await openAnsweringClient('client modern', gateway.url);
    for (let attempt = 0; attempt < 100; attempt++) {
      const answer = await client.call('test_simple_text').catch(() => undefined);
      if (answer !== undefined) return;
      await sleep(50);
    }
    throw new Error(`The fixture did not come up: ${gateway.stderr()}`);
  });

  afterAll(async () => {
    await gateway?.stop();
    for (const server of servers) await server.stop();
  });

  async function toEntry() {
    if (transport === 'stdio') return { command: process.execPath, args: [fixture, '--stdio', '--era', era] };
    const server = await startFixture({ era });
    servers.push(server);
    return { url: server.url };
  }

  describe.each(ANSWERING_CLIENTS)('asks the official %s', (kind) => {
    test("for its model's answer", async () => {
      await using client = await openAnsweringClient(kind, gateway.url);
      expect(await client.call('test_sampling', { prompt: 'Who?' })).toBe('LLM response: e2e on true');
      expect(client.asked).toEqual(['sampling/createMessage']);
    });

    test("for its user's input", async () => {
      await using client = await openAnsweringClient(kind, gateway.url);
      expect(await client.call('test_elicitation', { message: 'Who are you?' })).toContain('"username":"e2e\'s username"');
      expect(client.asked).toEqual(['elicitation/create']);
    });

    test('for its roots', async () => {
      await using client = await openAnsweringClient(kind, gateway.url);
      expect(await client.call('test_input_required_result_list_roots')).toBe('Roots: file:///of/e2e');
    });

    test('for three things at once, and in two rounds', async () => {
      await using client = await openAnsweringClient(kind, gateway.url);
      expect(await client.call('test_input_required_result_multiple_inputs')).toBe("e2e on true e2e's name");
      expect(client.asked.toSorted()).toEqual(['elicitation/create', 'roots/list', 'sampling/createMessage']);
      expect(await client.call('test_input_required_result_multi_round')).toContain("e2e's");
    });

    test('where its tools are called by another', async () => {
      await using client = await openAnsweringClient(kind, new URL('/mcp/find', gateway.url).href);
      const through = (name: string, args = {}) => client.call('call_tool', { name, arguments: args });
      expect(await through('test_sampling', { prompt: 'Who?' })).toBe('LLM response: e2e on true');
      expect(await through('test_elicitation', { message: 'Who are you?' })).toContain('"username":"e2e\'s username"');
      expect(await through('test_input_required_result_multi_round')).toContain("e2e's");
    });

    test('and no other one, however many call at once', async () => {
      const names = Array.from({ length: 6 }, (_, index) => `caller-${index}`);
      const answers = await Promise.all(
        names.map(async (name) => {
          await using client = await openAnsweringClient(kind, gateway.url, name);
          return await client.call('test_input_required_result_elicitation');
        }),
      );
      expect(answers).toEqual(names.map((name) => `Hello, ${name}'s name!`));
    });

    test('and is told when it cannot', async () => {
      await using client = await openAnsweringClient(kind, gateway.url, 'mute', { roots: {} });
      await expect(client.call('test_sampling', { prompt: 'Who?' }).then((text) => Promise.reject(new Error(text)))).rejects.toThrow(
        /sampling/,
      );
    });
  });
});
