import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { parseGatewayConfig, silentLogger, systemClock, type Logger, type LogFields, type Store } from '@signalbox/core';
import { createMemoryStore } from '@signalbox/storage';
import { startEmbeddingsServer, vectorsOf, type EmbeddingsServer } from '../testing/embeddings-server.ts';
import { createEmbedder, type EmbedderOptions } from './embedder.ts';

const TOOLS = ['purchase automobile: Order from the dealer', 'find physician: Look up a practice', 'get forecast: Weather of a city'];

let server: EmbeddingsServer;
let store: Store;
let lines: { readonly level: string; readonly message: string; readonly fields: LogFields | undefined }[];
const logger: Logger = {
  ...silentLogger,
  debug: (message, fields) => void lines.push({ level: 'debug', message, fields }),
  info: (message, fields) => void lines.push({ level: 'info', message, fields }),
  warn: (message, fields) => void lines.push({ level: 'warn', message, fields }),
  error: (message, fields) => void lines.push({ level: 'error', message, fields }),
};
beforeEach(async () => {
  server = await startEmbeddingsServer();
  store = createMemoryStore();
  lines = [];
});
afterEach(() => server[Symbol.asyncDispose]());

function open(more: object = {}, options: Partial<EmbedderOptions> = {}) {
  const { search } = parseGatewayConfig({ search: { embeddings: { url: server.url, model: 'toy', ...more } } });
  const embedder = createEmbedder({
    config: search!.embeddings!,
    configDir: '.',
    store,
    environment: {},
    clock: systemClock,
    logger,
    ...options,
  });
  return { ...embedder, read: () => embedder, [Symbol.asyncDispose]: () => embedder.close() };
}

const known = async (embedder: ReturnType<typeof open>, texts: readonly string[] = TOOLS) => {
  embedder.setTools(texts);
  await vi.waitFor(() => expect(texts.map((text) => embedder.vectorOf(text) !== undefined)).toEqual(texts.map(() => true)));
};
const warnings = () => lines.filter(({ level }) => level === 'warn');
const dot = (one: Float32Array | undefined, other: Float32Array | undefined) =>
  one!.reduce((sum, value, index) => sum + value * other![index]!, 0);

describe('vectors of tools', () => {
  test('come in the background, in batches, of length 1, each with its own text', async () => {
    const many = Array.from({ length: 150 }, (_, index) => `tool ${String.fromCodePoint(97 + (index % 26))}${'x'.repeat(index)}`);
    await using embedder = open();
    await known(embedder, [...TOOLS, ...many]);
    expect(server.texts().toSorted()).toEqual([...TOOLS, ...many].toSorted());
    expect(Math.max(...server.requests.map(({ input }) => input.length))).toBe(64);
    for (const text of TOOLS) expect(dot(embedder.vectorOf(text), embedder.vectorOf(text))).toBeCloseTo(1, 5);
    const [car, doctor] = await embedder.embed(['car', 'doctor']);
    expect(dot(car, embedder.vectorOf(TOOLS[0]!))).toBeGreaterThan(0.3);
    expect(dot(car, embedder.vectorOf(TOOLS[1]!))).toBe(0);
    expect(dot(doctor, embedder.vectorOf(TOOLS[1]!))).toBeGreaterThan(0.3);
  });

  test('outlive a restart: only what is new or asked of another model is asked for', async () => {
    {
      await using embedder = open();
      await known(embedder);
    }
    const before = server.requests.length;
    {
      await using embedder = open();
      await known(embedder);
      expect(server.requests.length).toBe(before);
      await known(embedder, [...TOOLS, 'a new one']);
      expect(server.requests.slice(before).map(({ input }) => input)).toEqual([['a new one']]);
    }
    await using other = open({ model: 'other' });
    await known(other);
    expect(server.requests.at(-1)).toMatchObject({ model: 'other', input: TOOLS });
  });

  test('of tools that are gone are let go', async () => {
    await using embedder = open();
    await known(embedder);
    const { version } = embedder.read();
    embedder.setTools(TOOLS.slice(1));
    expect(embedder.vectorOf(TOOLS[0]!)).toBeUndefined();
    expect(embedder.read().version).toBeGreaterThan(version);
  });

  test('come once the server is there, which is told of once', async () => {
    server.answer = () => ({ status: 500 });
    await using embedder = open({}, { firstPauseMs: 20 });
    embedder.setTools(TOOLS);
    await vi.waitFor(() => expect(warnings()).toHaveLength(1), 3_000);
    server.answer = undefined;
    await known(embedder);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  test('come for all texts but the one that is refused, also from a server of small batches', async () => {
    server.answer = ({ input }) =>
      input.length > 10 || input.includes('poison') ? { status: 413 } : { status: 200, body: vectorsOf(input) };
    const many = Array.from({ length: 40 }, (_, index) => `word${'a'.repeat(index)}`);
    await using embedder = open();
    embedder.setTools([...many.slice(0, 20), 'poison', ...many.slice(20)]);
    await vi.waitFor(() => expect(many.filter((text) => embedder.vectorOf(text) === undefined)).toEqual([]));
    expect(embedder.vectorOf('poison')).toBeUndefined();
    expect(warnings()).toEqual([]);
  });

  test('are all asked for again when the model gives others', async () => {
    await using embedder = open({}, { firstPauseMs: 20 });
    await known(embedder);
    server.answer = ({ input }) => ({ status: 200, body: JSON.stringify({ data: input.map(() => ({ embedding: [1, 2, 2] })) }) });
    await embedder.embed(['car']);
    await vi.waitFor(() => expect(TOOLS.map((text) => embedder.vectorOf(text)?.length)).toEqual([3, 3, 3]));
    expect(warnings()).toHaveLength(1);
  });
});

describe('vectors of needs', () => {
  test('are asked for once, all of a search together, and shared by searches at the same time', async () => {
    await using embedder = open();
    await known(embedder);
    const before = server.requests.length;
    const answers = await Promise.all([embedder.embed(['car', 'doctor']), embedder.embed(['doctor', 'car', 'car'])]);
    expect(answers.map((each) => each.map((vector) => vector?.length))).toEqual([
      [64, 64],
      [64, 64, 64],
    ]);
    expect(server.requests.slice(before).map(({ input }) => input)).toEqual([['car', 'doctor']]);
    expect(embedder.embed(['doctor'])).not.toBeInstanceOf(Promise);
  });

  test('are not asked for while there is nothing to compare them to', async () => {
    await using embedder = open();
    expect(embedder.embed(['car'])).toEqual([undefined]);
    expect(server.requests).toEqual([]);
  });

  test('come in spite of a busy server, within the time', async () => {
    await using embedder = open();
    await known(embedder);
    const statuses = [429, 503];
    server.answer = ({ input }) => ({ status: statuses.shift() ?? 200, body: vectorsOf(input), headers: { 'retry-after': '0' } });
    expect((await embedder.embed(['car']))[0]).toHaveLength(64);
    expect(lines).toEqual([]);
  });

  test('are done without when the server asks for more time than there is', async () => {
    await using embedder = open({ timeoutMs: 5_000 });
    await known(embedder);
    server.answer = () => ({ status: 429, headers: { 'retry-after': '60' } });
    const started = performance.now();
    expect(await embedder.embed(['car'])).toEqual([undefined]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('are done without when they are late, and nobody else waits until the pause is over', async () => {
    await using embedder = open({ timeoutMs: 150 });
    await known(embedder);
    server.answer = () => undefined;
    const before = server.requests.length;
    const started = performance.now();
    expect(await embedder.embed(['car'])).toEqual([undefined]);
    const tookMs = performance.now() - started;
    expect(tookMs).toBeGreaterThan(100);
    expect(tookMs).toBeLessThan(1_000);
    for (let index = 0; index < 20; index++) expect(embedder.embed([`car ${index}`])).toEqual([undefined]);
    expect(server.requests.length - before).toBe(1);
    expect(warnings().map(({ fields }) => fields)).toEqual([{ reason: 'it has not answered within 150 ms' }]);
  });

  test('come again after the pause, which one request tries for all', async () => {
    await using embedder = open({ timeoutMs: 100 }, { firstPauseMs: 50 });
    await known(embedder);
    server.answer = () => ({ status: 401 });
    await embedder.embed(['car']);
    server.answer = undefined;
    await new Promise((resolve) => setTimeout(resolve, 80));
    const [probing, other] = [embedder.embed(['car']), embedder.embed(['doctor'])];
    expect(other).toEqual([undefined]);
    expect((await probing)[0]).toHaveLength(64);
    expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  test('that the server refuses do not keep others from asking', async () => {
    await using embedder = open();
    await known(embedder);
    server.answer = ({ input }) => (input.includes('bad') ? { status: 400 } : { status: 200, body: vectorsOf(input) });
    expect(await embedder.embed(['bad'])).toEqual([undefined]);
    expect((await embedder.embed(['car']))[0]).toHaveLength(64);
    expect(lines).toEqual([]);
  });

  test('are done without when the server is gone', async () => {
    await using embedder = open({ timeoutMs: 5_000 });
    await known(embedder);
    await server[Symbol.asyncDispose]();
    const started = performance.now();
    expect(await embedder.embed(['car'])).toEqual([undefined]);
    expect(performance.now() - started).toBeLessThan(2_000);
    expect(warnings()).toHaveLength(1);
    server = await startEmbeddingsServer();
  });

  test.each([
    ['no JSON', 'it is a secret answer'],
    ['no list', '{"error":"it is a secret answer"}'],
    ['too few vectors', '{"data":[]}'],
    ['something that is no number', '{"data":[{"index":0,"embedding":[1,"it is a secret answer"]}]}'],
    ['a number that is none', '{"data":[{"index":0,"embedding":[1,1e999]}]}'],
    ['no direction', '{"data":[{"index":0,"embedding":[0,0]}]}'],
    ['a wrong index', '{"data":[{"index":1,"embedding":[1]}]}'],
    ['an empty vector', '{"data":[{"index":0,"embedding":[]}]}'],
  ])('are done without when the answer holds %s', async (_, body) => {
    await using embedder = open();
    await known(embedder);
    server.answer = () => ({ status: 200, body });
    expect(await embedder.embed(['car'])).toEqual([undefined]);
    expect(warnings()).toHaveLength(1);
    expect(JSON.stringify(lines)).not.toContain('secret answer');
  });

  test('of different lengths in one answer are not taken', async () => {
    await using embedder = open();
    await known(embedder);
    server.answer = () => ({ status: 200, body: '{"data":[{"embedding":[1,2]},{"embedding":[1,2,3]}]}' });
    expect(await embedder.embed(['car', 'doctor'])).toEqual([undefined, undefined]);
  });
});

describe('the token', () => {
  const environment = { EMBED_TOKEN: 'tok-very-secret' };

  test('goes into the header and into nothing that is logged, whatever happens', async () => {
    await using embedder = open({ token: { env: 'EMBED_TOKEN' }, timeoutMs: 100 }, { environment, firstPauseMs: 1 });
    await known(embedder);
    expect(new Set(server.requests.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer tok-very-secret']));
    server.answer = ({ authorization }) => ({ status: 401, body: JSON.stringify({ error: authorization }) });
    await embedder.embed(['car']);
    await server[Symbol.asyncDispose]();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await embedder.embed(['doctor']);
    expect(warnings().length).toBeGreaterThan(0);
    expect(JSON.stringify(lines)).not.toContain('very-secret');
    server = await startEmbeddingsServer();
  });

  test('is not sent to where an answer points', async () => {
    await using elsewhere = await startEmbeddingsServer();
    await using embedder = open({ token: { env: 'EMBED_TOKEN' } }, { environment });
    await known(embedder);
    server.answer = () => ({ status: 307, headers: { location: `${elsewhere.url}/embeddings` } });
    expect(await embedder.embed(['car'])).toEqual([undefined]);
    expect(elsewhere.requests).toEqual([]);
  });

  test('that is missing, or no header could hold, is an error that names the variable and not the value', () => {
    expect(() => open({ token: { env: 'EMBED_TOKEN' } })).toThrow('"EMBED_TOKEN", which is not set');
    const broken = { environment: { EMBED_TOKEN: 'very-secret\n' } };
    expect(() => open({ token: { env: 'EMBED_TOKEN' } }, broken)).toThrow(/"EMBED_TOKEN" holds characters(?!.*very-secret)/);
  });
});

test('what cannot be used is refused where it is written', () => {
  expect(() => open({ url: 'http://me:very-secret@127.0.0.1/v1' })).toThrow(/search\.embeddings\.url must hold no user(?!.*very-secret)/);
  expect(() => open({ url: 'ftp://127.0.0.1' })).toThrow('search.embeddings.url');
  expect(() => open({ dimension: 3 })).toThrow('search.embeddings');
});

test('dimensions are asked for, and others are not taken', async () => {
  await using embedder = open({ dimensions: 64 });
  await known(embedder);
  expect(server.requests[0]).toMatchObject({ dimensions: 64 });
  await using shorter = open({ dimensions: 32 });
  shorter.setTools(TOOLS);
  await vi.waitFor(() =>
    expect(warnings().map(({ fields }) => fields)).toEqual([{ reason: 'it gave a vector of 64 numbers where 32 are due' }]),
  );
});

test('a store that fails costs nothing but the memory of it, and is told of once', async () => {
  store = { ...store, get: () => Promise.reject(new Error('gone')), commit: () => Promise.reject(new Error('gone')) };
  await using embedder = open();
  await known(embedder);
  await vi.waitFor(() => expect(warnings()).toHaveLength(1));
  expect((await embedder.embed(['car']))[0]).toHaveLength(64);
});

test('the end gives up what is under way, without a word', async () => {
  server.answer = () => undefined;
  const embedder = open();
  embedder.setTools(TOOLS);
  await vi.waitFor(() => expect(server.requests).toHaveLength(1));
  await embedder[Symbol.asyncDispose]();
  expect(lines).toEqual([]);
});
