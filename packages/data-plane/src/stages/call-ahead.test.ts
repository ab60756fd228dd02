import type { Advice, PlannedCall, Record as CallRecord, RecordPayload, Restraint } from '@signalbox/core';
import { expect, test, vi } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf, textOf, type ScriptedTool } from '../testing/memory-gateway.ts';

const GET: PlannedCall = { upstream: 'shop', tool: 'get', sources: '[["id","r0:/found/0"]]', share: 0.9 };
const READS = { readOnlyHint: true };

interface Setup {
  readonly get?: ScriptedTool['run'];
  readonly annotations?: object;
  readonly cache?: object;
  readonly config?: object;
  readonly more?: object;
  readonly plan?: Partial<PlannedCall>;
  readonly advice?: Partial<Advice>;
}

/** A shop in which whoever searches then gets the first that was found, as advice has it. */
async function start({ annotations = READS, cache, config, more, plan, advice, ...runs }: Setup = {}) {
  const get = vi.fn<ScriptedTool['run']>(runs.get ?? (({ id }) => answerTo(`about ${String(id)}`)));
  const search: ScriptedTool['run'] = ({ text }) =>
    resultOf({ content: [], structuredContent: { found: [`${String(text)}-1`, `${String(text)}-2`] } });
  const server = createScriptedServer([
    { name: 'search', run: search },
    { name: 'get', annotations, run: get },
    { name: 'fail', run: () => resultOf({ content: [], isError: true }) },
  ]);
  const told: { readonly record: CallRecord; readonly payload: RecordPayload | undefined }[] = [];
  const after = vi.fn<NonNullable<Advice['ahead']>['after']>(([last]) => (last?.tool === 'search' ? { ...GET, ...plan } : undefined));
  const gateway = await createMemoryGateway({
    servers: { shop: server },
    config: { shop: { cache: { tools: ['get*'], ...cache }, ...config } },
    more: { learning: { callAhead: { maxShare: 1 } }, ...more },
    advice: { current: { version: 1, ahead: { after, hashOf: (place) => place }, ...advice } },
    journal: { wantsPayload: true, write: (record, payload) => void told.push({ record, payload }) },
  });
  await gateway.list('tools/list');
  const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return {
    gateway,
    get,
    after,
    told,
    ahead: gateway.answerCounts.ahead,
    /** Searches, and lets what follows from it happen. */
    search: async (text: string, principal = 'ann') => {
      await gateway.call('search', { text }, { principal });
      await turn();
    },
    turn,
    made: () => told.map(({ record }) => record).filter((record) => record.isAhead),
    answer: async (id: string, principal = 'ann') => textOf(await gateway.call('get', { id }, { principal })),
  };
}

const answerTo = (text: string) => resultOf({ content: [{ type: 'text', text }] });

test('the call that comes next is made before, once, over the whole path, and its answer is given when it is asked for', async () => {
  const { gateway, get, search, answer, made, told, ahead } = await start();
  await using _ = gateway;
  await search('tea');
  expect(get.mock.calls.map(([args]) => args)).toEqual([{ id: 'tea-1' }]);
  expect(made()).toMatchObject([{ name: 'get', upstream: 'shop', principal: 'ann', status: 'ok', cached: false }]);
  expect(gateway.answerCounts).toMatchObject({ hits: 0, misses: 0 });
  expect(await answer('tea-1')).toBe('about tea-1');
  expect(get).toHaveBeenCalledTimes(1);
  expect(told.at(-1)!.record).toMatchObject({ name: 'get', cached: true, isAhead: undefined });
  expect(gateway.answerCounts).toMatchObject({ hits: 1, misses: 0 });
  expect(ahead).toEqual({ made: 1, used: 1 });
});

test('the journal hears what each call came after, and where the arguments of those that may be made ahead stood', async () => {
  const { gateway, told, search, answer, turn } = await start({ advice: {} });
  await using _ = gateway;
  await search('tea');
  await answer('tea-2');
  await turn();
  await gateway.call('fail', {}, { principal: 'ann' });
  await answer('tea-9');
  const steps = told.filter(({ record }) => !record.isAhead).map(({ payload }) => payload?.step);
  const [SEARCH, FOUND] = [
    { upstream: 'shop', tool: 'search' },
    { upstream: 'shop', tool: 'get' },
  ];
  expect(steps).toEqual([
    undefined,
    { after: [SEARCH], sources: '[["id","r0:/found/1"]]' },
    { after: [FOUND, SEARCH] },
    { after: [FOUND, SEARCH] },
  ]);
  // Nobody is told of what was made ahead.
  expect(told.filter(({ record }) => record.isAhead).map(({ payload }) => payload?.step)).toEqual([undefined]);
});

test.each([
  ['its answers are not kept', { cache: { tools: ['other'] } }],
  ['it does not say that it reads', { annotations: {} }],
  ['it says that it writes', { annotations: { readOnlyHint: false }, cache: { tools: ['get'] } }],
  ['its arguments are not there', { plan: { sources: '[["id","r0:/found/7"]]' } }],
  ['there is no such tool', { plan: { tool: 'gone' } }],
  ['there is no such upstream', { plan: { upstream: 'gone' } }],
  ['it is hidden', { config: { tools: { deny: ['get'] } } }],
  ['nobody advises', { advice: { ahead: undefined } }],
  ['its caller is held back', { advice: { restraints: () => [{ id: 'a1', isOfAll: true, endsAtMs: 1 } satisfies Restraint] } }],
] as [string, Setup][])('nothing is called ahead: %s', async (...[, setup]) => {
  const { gateway, get, search, ahead } = await start(setup);
  await using _ = gateway;
  await search('tea');
  expect(get).not.toHaveBeenCalled();
  expect(ahead.made).toBe(0);
});

test('a tool that says nothing of itself is called ahead where it is named in full', async () => {
  const { gateway, get, search } = await start({ annotations: {}, cache: { tools: ['get'] } });
  await using _ = gateway;
  await search('tea');
  expect(get).toHaveBeenCalledTimes(1);
});

test('who asks while it is on its way waits for the same answer', async () => {
  let release: () => void = () => undefined;
  const { gateway, get, search, answer } = await start({
    get: ({ id }) => new Promise((resolve) => (release = () => resolve(answerTo(`about ${String(id)}`)))),
  });
  await using _ = gateway;
  await search('tea');
  const asked = answer('tea-1');
  release();
  expect(await asked).toBe('about tea-1');
  expect(get).toHaveBeenCalledTimes(1);
});

test('what is on its way is taken back once something else was called', async () => {
  const { gateway, search, answer, made } = await start({
    get: ({ id }, { cancellation }) => {
      if (id !== 'tea-1') return answerTo('other');
      return new Promise((_, reject) => cancellation.watch((reason) => reject(new Error(reason))));
    },
  });
  await using _ = gateway;
  await search('tea');
  expect(made()).toEqual([]);
  expect(await answer('tea-2')).toBe('other');
  await vi.waitFor(() => expect(made()).toMatchObject([{ status: 'cancelled' }]));
});

test('a failure ahead is nobody’s, and the call is made when it is asked for', async () => {
  let isBroken = true;
  const { gateway, get, search, answer, made } = await start({
    get: ({ id }) => (isBroken ? resultOf({ content: [], isError: true }) : answerTo(`about ${String(id)}`)),
  });
  await using _ = gateway;
  await search('tea');
  expect(made()).toMatchObject([{ status: 'tool-error' }]);
  isBroken = false;
  expect(await answer('tea-1')).toBe('about tea-1');
  expect(get).toHaveBeenCalledTimes(2);
});

test('nobody is given what was called ahead for somebody else', async () => {
  const { gateway, get, search, answer } = await start();
  await using _ = gateway;
  await search('tea', 'ann');
  expect(await answer('tea-1', 'bob')).toBe('about tea-1');
  expect(get).toHaveBeenCalledTimes(2);
});

test('what is called ahead in vain is within the budget, and hardly anything where it is not used', async () => {
  const counted = async (maxShare: number, found: number) => {
    const { gateway, ahead, search, answer } = await start({ more: { learning: { callAhead: { maxShare } } } });
    await using _ = gateway;
    for (let index = 0; index < 20; index++) {
      await search(`tea${index}`);
      await answer(`tea${index}-${found}`);
    }
    return ahead;
  };
  // What is used costs nothing; before the first, four calls have to be made.
  expect(await counted(0.25, 1)).toEqual({ made: 18, used: 18 });
  expect(await counted(0.05, 2)).toEqual({ made: 1, used: 0 });
  expect(await counted(1, 2)).toEqual({ made: 2, used: 0 });
});

test('at an address to search at it is found as a call there would find it', async () => {
  const { gateway, get, turn } = await start({ more: { surface: 'search', learning: { callAhead: { maxShare: 1 } } } });
  await using _ = gateway;
  await gateway.call('call_tool', { name: 'search', arguments: { text: 'tea' } });
  await turn();
  expect(get.mock.calls.map(([args]) => args)).toEqual([{ id: 'tea-1' }]);
  expect(textOf(await gateway.call('call_tool', { name: 'get', arguments: { id: 'tea-1' } }))).toBe('about tea-1');
  expect(get).toHaveBeenCalledTimes(1);
});

test('advice that is no plan does no harm', async () => {
  const plan = {
    get upstream(): string {
      throw new Error('broken');
    },
  } as PlannedCall;
  const { gateway, get, search, ahead } = await start({ advice: { ahead: { after: () => plan, hashOf: (place) => place } } });
  await using _ = gateway;
  for (const text of ['tea', 'milk']) await search(text);
  expect(get).not.toHaveBeenCalled();
  expect(ahead.made).toBe(0);
});
