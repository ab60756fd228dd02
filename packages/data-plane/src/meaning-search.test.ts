import { describe, expect, test, vi } from 'vitest';
import type { Awaitable, Embedder, Outcome, SearchRecord } from '@signalbox/core';
import { createMemoryGateway, createScriptedServer, resultOf, type MemoryClient } from './testing/memory-gateway.ts';

const MORE = { virtualServers: { find: { surface: 'search' } } };
const say = (name: string) => ({ name, run: () => resultOf({ content: [] }) });

/** Knows one thing: texts about vehicles are alike. */
function createEmbedder(embed?: Embedder['embed']) {
  const vectorOf = (text: string) => (/car|automobile/.test(text) ? Float32Array.of(1, 0) : Float32Array.of(0, 1));
  let tools: readonly string[] = [];
  const embedder = {
    weight: 1,
    version: 0,
    setTools: (texts: Iterable<string>) => {
      tools = [...texts];
      embedder.version++;
    },
    vectorOf: (text: string) => (tools.includes(text) ? vectorOf(text) : undefined),
    embed: embed ?? ((needs: readonly string[]): Awaitable<readonly (Float32Array | undefined)[]> => Promise.resolve(needs.map(vectorOf))),
    tools: () => tools,
  };
  return embedder;
}

async function openGateway(embedder: ReturnType<typeof createEmbedder> | undefined, more: object = MORE) {
  const server = createScriptedServer([
    say('order_automobile'),
    ...['send_mail', 'get_forecast', 'find_route', 'pay_bill', 'scan_card'].map(say),
  ]);
  const searches: SearchRecord[] = [];
  const journal = { write: () => undefined, search: (record: SearchRecord) => void searches.push(record) };
  const gateway = await createMemoryGateway({ servers: { server }, more, journal, ...(embedder && { embedder }) });
  await vi.waitFor(async () => expect(await gateway.list('tools/list')).not.toEqual([]));
  await vi.waitFor(() => expect(embedder?.version).not.toBe(0));
  return { gateway, server, searches, [Symbol.asyncDispose]: () => gateway.close() };
}

async function search(client: MemoryClient, needs: readonly string[], limit = 3) {
  const outcome: Outcome = await client.call('search_tools', { needs, limit });
  if (outcome.kind === 'error') throw new Error(outcome.error.message);
  const { results } = outcome.result.object!['structuredContent'] as {
    results: { note?: string; matches: { name: string; score: number }[] }[];
  };
  return results.map(({ note, matches }) => ({ note, names: matches.map(({ name }) => name) }));
}

describe('with an embedder', () => {
  test('what is meant is found where words find something else or nothing', async () => {
    await using without = await openGateway(undefined);
    await using opened = await openGateway(createEmbedder());
    const [need] = await search(without.gateway.at('find'), ['car']);
    expect(need!.names).not.toContain('order_automobile');
    const [found] = await search(opened.gateway.at('find'), ['car']);
    expect(found).toEqual({ note: undefined, names: expect.arrayContaining(['order_automobile', 'scan_card']) as string[] });
    // Where it would stand without advice is where it stands.
    const shown = opened.searches[0]!.results[0]!.shown;
    expect(shown.map(({ staticRank }) => staticRank)).toEqual(shown.map((_, index) => index + 1));
  });

  test('a tool asked for by its name stays first', async () => {
    await using opened = await openGateway(createEmbedder(() => [Float32Array.of(1, 0)]));
    expect((await search(opened.gateway.at('find'), ['pay_bill']))[0]!.names[0]).toBe('pay_bill');
  });

  test('it hears of the tools that can be searched for, and of changes', async () => {
    const embedder = createEmbedder();
    await using opened = await openGateway(embedder);
    expect(embedder.tools()).toHaveLength(6);
    expect(embedder.tools()).toContain('order automobile');
    opened.server.tools.push(say('wash_car'));
    opened.server.emit('notifications/tools/list_changed');
    await vi.waitFor(() => expect(embedder.tools()).toContain('wash car'));
    const listed = createEmbedder();
    await using _ = await openGateway(listed, {});
    expect(listed.tools()).toEqual([]);
  });

  test('the answer is that of words, byte for byte, where it has no vector', async () => {
    const calls = [
      { needs: ['mail', 'automobile for a bill', 'ЖЖЖ'], limit: 2 },
      { needs: ['get_forecast', 'route'], limit: 20 },
    ];
    const texts = async (embedder: ReturnType<typeof createEmbedder> | undefined) => {
      await using opened = await openGateway(embedder);
      const client = opened.gateway.at('find');
      const outcomes = [];
      for (const args of calls) outcomes.push(await client.call('search_tools', args));
      return outcomes.map((outcome) => (outcome.kind === 'result' ? outcome.result.bytes.toString() : outcome));
    };
    const plain = await texts(undefined);
    expect(await texts(createEmbedder((needs) => needs.map(() => undefined)))).toEqual(plain);
    expect(await texts(createEmbedder((needs) => Promise.resolve(needs.map(() => Float32Array.of(1, 0, 0)))))).toEqual(plain);
  });

  test('what would be shown is explained by it, too', async () => {
    await using opened = await openGateway(createEmbedder());
    const { matches } = await opened.gateway.explain('car', { limit: 3, server: 'find' });
    expect(matches.map(({ name }) => name)).toContain('order_automobile');
  });
});
