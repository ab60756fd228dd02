import type { Advice, ComparisonRecord } from '@signalbox/core';
import { createSimilarityModel } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf, textOf } from '../../../../packages/data-plane/src/testing/memory-gateway.ts';
import { createKeyedHash } from './keyed-hash.ts';
import { toSimilarAdvice } from './to-similar-advice.ts';

const MAX_WRONG = 0.02;
/** Calls that are made before what was seen of them arrives. */
const LATE = 50;
const hash = createKeyedHash(Buffer.alloc(32, 3));
const plain = (place: string) => place.toLowerCase().replaceAll(/^the|[^a-z]+/g, '');

interface World {
  readonly seed: number;
  readonly calls: number;
  /** What is right for a tool and a place after so many calls. */
  readonly truth: (asked: { readonly tool: string; readonly place: string; readonly call: number }) => string;
}

/**
 * Plays calls of three tools through the data plane. Places are asked for again and again in some spellings; most often those that are
 * asked for most. What is compared is learned, somewhat later.
 */
async function play({ seed, calls, truth }: World) {
  const random = createRandom(seed);
  let call = 0;
  const tools = ['a', 'b', 'c'].map((name) => ({
    name,
    run: ({ place }: { readonly [key: string]: unknown }) =>
      resultOf({ content: [{ type: 'text', text: truth({ tool: name, place: String(place), call }) }] }),
  }));
  const model = createSimilarityModel();
  const waiting: ComparisonRecord[] = [];
  const similar = toSimilarAdvice({ similarity: model, keyOf: (upstream, tool) => `${upstream}/${tool}@1`, hash });
  let nowMs = 0;
  await using gateway = await createMemoryGateway({
    servers: { s: createScriptedServer(tools) },
    config: { s: { cache: { tools: ['*'], ttlMs: 3_600_000, similar: { tools: ['*'], maxWrong: MAX_WRONG } } } },
    memoryBytes: 50_000_000,
    advice: { current: { version: 1, similar } satisfies Advice },
    random: createRandom(seed + 1),
    journal: { write: () => undefined, compare: (record) => void waiting.push(record) },
    clock: { now: Date.now, monotonic: () => nowMs, after: () => () => undefined },
  });
  await gateway.list('tools/list');
  const asked = new Set<string>();
  const known = new Set<string>();
  let [reusable, wrong] = [0, 0];
  for (; call < calls; call++) {
    nowMs += 20;
    const tool = tools[Math.floor(random() * tools.length)]!.name;
    const place = spell(Math.floor(400 * random() ** 2), random);
    const before = gateway.answerCounts.similar.hits;
    const text = textOf(await gateway.call(tool, { place }));
    const isHit = gateway.answerCounts.similar.hits > before;
    const right = truth({ tool, place, call });
    if (isHit && text !== right) wrong++;
    // One that is right for it lies there, though it was not asked for in these letters.
    if (!asked.has(`${tool} ${place}`) && known.has(`${tool} ${right}`)) reusable++;
    if (!isHit) asked.add(`${tool} ${place}`);
    known.add(`${tool} ${right}`);
    if (call % LATE !== LATE - 1) continue;
    for (const { tool: of, edit, detail, isSame } of waiting.splice(0))
      model.observe({ tool: `s/${of}@1`, difference: { kind: edit, detail }, isSame });
  }
  const { hits, checked } = gateway.answerCounts.similar;
  return { hits, checked, wrong, recall: (hits - wrong) / reusable };
}

function spell(place: number, random: () => number): string {
  const name = place.toString(6).replaceAll(/\d/g, (digit) => ['ba', 'do', 'ki', 'lu', 'me', 'to'][Number(digit)]!);
  const text = random() < 0.5 ? `port ${name}` : `Port ${name[0]!.toUpperCase()}${name.slice(1)}`;
  const spaced = random() < 0.3 ? text.replace(' ', '  ') : text;
  return random() < 0.3 ? `${spaced}.` : random() < 0.2 ? `the ${spaced}` : spaced;
}

/** The same world with other dice, taken together. */
async function playAll(world: Omit<World, 'seed'>) {
  const all: Awaited<ReturnType<typeof play>>[] = [];
  for (const seed of [1, 2]) all.push(await play({ ...world, seed }));
  const sum = (of: 'hits' | 'wrong' | 'checked') => all.reduce((total, each) => total + each[of], 0);
  return { hits: sum('hits'), wrong: sum('wrong'), checked: sum('checked'), recall: Math.min(...all.map(({ recall }) => recall)) };
}

test('where spelling does not matter, more than a quarter of what could be answered again is, none of it wrong', async () => {
  const seen = await playAll({ calls: 3_500, truth: ({ place }) => plain(place) });
  expect(seen.wrong).toBe(0);
  expect(seen.recall).toBeGreaterThan(0.25);
});

test('where calls look alike and are not, in all tools or for some places, nothing is answered again', async () => {
  const all = await playAll({ calls: 1_000, truth: ({ place }) => place });
  const some = await playAll({ calls: 1_000, truth: ({ place }) => (plain(place).length % 4 === 0 ? place : plain(place)) });
  for (const { hits, checked } of [all, some]) {
    expect(hits).toBe(0);
    expect(checked).toBeGreaterThan(2);
  }
});

test('a tool where calls look alike and are not takes nothing from the others', async () => {
  const seen = await playAll({ calls: 3_000, truth: ({ tool, place }) => (tool === 'a' ? place : plain(place)) });
  expect(seen.hits).toBeGreaterThan(200);
  expect(seen.wrong).toBe(0);
});

test('where answers change while they are kept, the bound holds', async () => {
  const once = await playAll({ calls: 3_500, truth: ({ place, call }) => `${plain(place)} ${call < 2_500}` });
  expect(once.hits).toBeGreaterThan(200);
  expect(once.wrong).toBeLessThanOrEqual(MAX_WRONG * once.hits);
  const always = await playAll({ calls: 1_000, truth: ({ place, call }) => `${plain(place)} ${Math.floor(call / 200)}` });
  expect(always.wrong).toBeLessThanOrEqual(MAX_WRONG * always.hits);
});

function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}
