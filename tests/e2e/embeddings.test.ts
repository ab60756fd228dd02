import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { startEmbeddingsServer } from '../../apps/gateway/src/testing/embeddings-server.ts';
import { writeTinyModel } from '../../apps/gateway/src/testing/tiny-model.ts';
import { untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { rpc } from './support/raw-client.ts';

const TOKEN = 'tok-very-secret';
const SHOP = path.resolve(import.meta.dirname, 'servers/noting-server.mjs');

function configOf(url: string, tools: string) {
  return {
    mcpServers: {
      shop: { command: process.execPath, args: [SHOP, '--name', 'shop', '--shared', tools] },
      time: { module: '@signalbox/module-time' },
    },
    surface: 'search',
    search: { embeddings: { url, model: 'toy', token: { env: 'EMBED_TOKEN' }, timeoutMs: 500 } },
    log: { level: 'debug' },
  };
}

async function search(gateway: RunningGateway, need: string): Promise<readonly string[]> {
  const call = { name: 'search_tools', arguments: { needs: [need], limit: 3 } };
  const { result } = await rpc(gateway.url).modern().request('tools/call', call);
  const { results } = (result as { structuredContent: { results: { matches: { name: string }[] }[] } }).structuredContent;
  return results[0]!.matches.map(({ name }) => name);
}

test('tools are found by what is meant, from vectors that outlive a restart, and by words when the server is gone', async () => {
  await using embeddings = await startEmbeddingsServer();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'signalbox-embeddings-'));
  const tools = path.join(dataDir, 'tools');
  await writeFile(tools, 'purchase_automobile\nfind_physician\n');
  const written: string[] = [];
  const run = async (use: (gateway: RunningGateway) => Promise<void>) => {
    await using gateway = await startGateway({ config: configOf(embeddings.url, tools), dataDir, env: { EMBED_TOKEN: TOKEN } });
    for (const name of ['shop', 'time']) await untilState(gateway, name, 'ready');
    await use(gateway);
    written.push(gateway.stdout(), gateway.stderr());
  };
  try {
    await run(async (gateway) => {
      await eventually('found by meaning', async () => (await search(gateway, 'buy a car')).includes('purchase_automobile') || undefined);
      expect((await search(gateway, 'convert_time'))[0]).toBe('convert_time');
    });
    expect(new Set(embeddings.requests.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(embeddings.texts().some((text) => text.startsWith('purchase automobile'))).toBe(true);

    embeddings.requests.length = 0;
    await run(async (gateway) => {
      await eventually('found by meaning', async () => (await search(gateway, 'buy a car')).includes('purchase_automobile') || undefined);
      expect(new Set(embeddings.texts())).toEqual(new Set(['buy a car']));

      embeddings.answer = () => undefined;
      const started = performance.now();
      expect(await search(gateway, 'a physician')).toHaveLength(3);
      const [firstMs, then] = [performance.now() - started, performance.now()];
      expect(firstMs).toBeLessThan(1_500);
      expect(await search(gateway, 'another physician')).toHaveLength(3);
      expect(performance.now() - then).toBeLessThan(400);
      expect(gateway.stderr().match(/embeddings fail;/g)).toHaveLength(1);
    });
    expect(written.join('\n')).not.toContain(TOKEN);
    expect((await readFile(path.join(dataDir, 'store.db'))).includes(TOKEN)).toBe(false);
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
});

test('tools are found by what is meant with a model that the gateway runs itself', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-model-'));
  const tools = path.join(folder, 'tools');
  await writeFile(tools, 'purchase_automobile\nfind_physician\n');
  await writeTinyModel(path.join(folder, 'model'));
  const config = {
    mcpServers: { shop: { command: process.execPath, args: [SHOP, '--name', 'shop', '--shared', tools] } },
    surface: 'search',
    search: { embeddings: { path: path.join(folder, 'model'), timeoutMs: 10_000 } },
  };
  try {
    await using gateway = await startGateway({ config });
    await untilState(gateway, 'shop', 'ready');
    await eventually('found by meaning', async () => (await search(gateway, 'a doctor'))[0] === 'find_physician' || undefined);
    expect(await search(gateway, 'buy a car')).toContain('purchase_automobile');
    expect(gateway.stderr()).not.toContain('embeddings fail');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.each([
  [{}, 'search.embeddings.url is missing'],
  [{ url: 'http://127.0.0.1:1/v1' }, 'search.embeddings.model is missing'],
  [{ path: 'model', url: 'http://127.0.0.1:1/v1', model: 'm' }, 'cannot stand beside `url`'],
  [{ path: 'nowhere' }, 'it holds neither "model.onnx" nor "onnx/model.onnx"'],
])('a configuration that cannot be used is refused with what is wrong: %j', async (embeddings, said) => {
  await expect(startGateway({ config: { mcpServers: {}, search: { embeddings } } })).rejects.toThrow(said);
});
