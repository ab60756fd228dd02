import { GatewayError, type Advice, type Record as CallRecord, type ComparisonRecord, type SimilarJudgement } from '@signalbox/core';
import { expect, test, vi } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf, textOf, type ScriptedTool } from '../testing/memory-gateway.ts';

const SIMILAR = { tools: ['find'] };
const SERVED: SimilarJudgement = { isServed: true, wrongBound: 0.01, checkShare: 0.5, edit: 'spelling', detail: 'd' };
/** Draws above and below the share that is checked. */
const [GIVEN, CHECKED] = [0.9, 0.1];

interface Setup {
  readonly run?: ScriptedTool['run'];
  readonly annotations?: object;
  readonly cache?: object;
  readonly advice?: Partial<Advice> | undefined;
  readonly judgement?: Partial<SimilarJudgement>;
  readonly memoryBytes?: number;
  /** Of a server that answers in its place while it is away. */
  readonly instead?: ScriptedTool['run'];
}

/** A tool whose answers depend on the case of what it is asked, before advice that takes all cases for alike. */
async function start({ cache, annotations, judgement, memoryBytes, instead, ...more }: Setup = {}) {
  const run = vi.fn<ScriptedTool['run']>(more.run ?? (({ city }) => answerTo(String(city).toLowerCase())));
  const server = createScriptedServer([{ name: 'find', run, ...(annotations && { annotations }) }]);
  const [compared, records]: [ComparisonRecord[], CallRecord[]] = [[], []];
  const dice = { next: GIVEN, judgement: { ...SERVED, ...judgement }, offsetMs: 0 };
  const similar: Advice['similar'] = {
    keyOf: (args) => JSON.stringify(args).toLowerCase(),
    judge: () => dice.judgement,
  };
  const source = { current: { version: 1, similar, ...more.advice } as Advice | undefined };
  const gateway = await createMemoryGateway({
    servers: {
      a: server,
      ...(instead && { b: createScriptedServer([{ name: 'find', annotations: { readOnlyHint: true }, run: instead }]) }),
    },
    config: { a: { cache: { tools: ['find'], similar: SIMILAR, ...cache }, ...(instead && { fallback: ['b'], retry: { attempts: 1 } }) } },
    advice: source,
    ...(memoryBytes && { memoryBytes }),
    random: () => dice.next,
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now() + dice.offsetMs,
      after: (delayMs, then) => {
        const timer = setTimeout(then, delayMs);
        return () => clearTimeout(timer);
      },
    },
    journal: { write: (record) => void records.push(record), compare: (record) => void compared.push(record) },
  });
  await gateway.list('tools/list');
  const ask = async (city: string, principal = 'ann') => textOf(await gateway.call('find', { city }, { principal }));
  return { gateway, run, ask, compared, records, dice, source, similar: gateway.answerCounts.similar };
}

const answerTo = (text: string) => resultOf({ content: [{ type: 'text', text }] });

test('a call is answered with what a similar one was answered, as far as it is not checked', async () => {
  const { gateway, run, ask, compared, records, dice, similar } = await start();
  await using _ = gateway;
  for (const city of ['Oslo', 'oslo', 'OSLO']) expect(await ask(city)).toBe('oslo');
  expect(run).toHaveBeenCalledTimes(1);
  expect(records.at(-1)).toMatchObject({ upstream: 'a', cached: true, cacheTier: 'similar', attempts: 0 });
  expect(gateway.answerCounts).toMatchObject({ hits: 2, misses: 1, similar: { hits: 2, checked: 0, compared: 0, bound: 0.01 } });
  dice.next = CHECKED;
  expect(await ask('oSLO')).toBe('oslo');
  expect(run).toHaveBeenCalledTimes(2);
  expect(similar).toMatchObject({ hits: 2, checked: 1, wrong: 0, compared: 1 });
  expect(compared).toMatchObject([{ principal: 'ann', upstream: 'a', tool: 'find', edit: 'spelling', detail: 'd', isSame: true }]);
  expect(await ask('oSLO')).toBe('oslo');
  expect(gateway.answerCounts).toMatchObject({ hits: 3, misses: 2 });
});

test('what advice does not allow is made and compared, and what it asks in vain is not trusted', async () => {
  const { gateway, run, ask, compared, dice, source, similar } = await start({ judgement: { isServed: false, wrongBound: 1 } });
  await using _ = gateway;
  for (const city of ['Oslo', 'oslo']) await ask(city);
  expect(similar).toMatchObject({ hits: 0, checked: 0, compared: 1 });
  // Above what the operator allows, whatever it calls that; and shares that are no numbers.
  dice.judgement = { ...SERVED, wrongBound: 0.03 };
  await ask('OSLO');
  dice.judgement = { ...SERVED, checkShare: Number.NaN };
  await ask('OSLo');
  dice.judgement = { ...SERVED, checkShare: -1 };
  dice.next = 0;
  await ask('OSlO');
  expect(run).toHaveBeenCalledTimes(5);
  expect(compared.length).toBe(4);
  dice.next = GIVEN;
  await ask('OslO');
  expect(similar.hits).toBe(1);
  source.current = undefined;
  await ask('oSlO');
  expect(run).toHaveBeenCalledTimes(6);
});

test('advice that throws is left aside', async () => {
  const keyOf = vi.fn<() => string>(() => {
    throw new Error('broken');
  });
  const { gateway, run, ask } = await start({ advice: { similar: { keyOf, judge: () => SERVED } } });
  await using _ = gateway;
  for (const city of ['Oslo', 'oslo', 'Oslo']) expect(await ask(city)).toBe('oslo');
  expect(run).toHaveBeenCalledTimes(2);
  expect(keyOf).toHaveBeenCalledTimes(1);
});

test.each([
  ['not configured', { cache: { similar: undefined } }],
  ['configured for another tool', { cache: { similar: { tools: ['search'] } } }],
  ['a tool that writes, though it is cached by name', { annotations: { readOnlyHint: false } }],
  ['not cached', { cache: { tools: ['search'] } }],
])('nothing is looked for: %s', async (name, setup) => {
  const keyOf = vi.fn<() => string>(() => '');
  const { gateway, run, ask, compared } = await start({ ...setup, advice: { similar: { keyOf, judge: () => SERVED } } });
  await using _ = gateway;
  for (const city of ['Oslo', 'oslo']) await ask(city);
  expect(run, name).toHaveBeenCalledTimes(2);
  expect(keyOf).not.toHaveBeenCalled();
  expect(compared).toEqual([]);
});

test('principals never share, also where equal calls are shared', async () => {
  for (const scope of ['caller', 'shared']) {
    const { gateway, run, ask, compared } = await start({ cache: { scope } });
    await ask('Oslo', 'ann');
    await ask('oslo', 'ben');
    expect(run).toHaveBeenCalledTimes(2);
    expect(compared).toEqual([]);
    await gateway[Symbol.asyncDispose]();
  }
});

test('rounds of a call, members beside the arguments and large arguments are not compared', async () => {
  const { gateway, run, compared } = await start();
  await using _ = gateway;
  const call = (params: object) => gateway.call('', {}, { method: 'tools/call', params: { name: 'find', ...params } });
  await call({ arguments: { city: 'Oslo' } });
  await call({ arguments: { city: 'oslo' }, inputResponses: {} });
  await call({ arguments: { city: 'oslo' }, _meta: { 'example.com/language': 'de' } });
  const large = 'o'.repeat(3_000);
  for (const city of [large, large.toUpperCase()]) await call({ arguments: { city } });
  expect(run).toHaveBeenCalledTimes(5);
  expect(compared).toEqual([]);
});

test('errors are neither given again nor taken for the same', async () => {
  const run: ScriptedTool['run'] = ({ city }) => (city === 'oslo' ? { ...answerTo('no such city'), isError: true } : answerTo('found'));
  const { gateway, ask, compared, dice, similar } = await start({ run });
  await using _ = gateway;
  expect(await ask('oslo')).toBe('no such city');
  expect(await ask('OSLO')).toBe('found');
  dice.next = CHECKED;
  expect(await ask('oslo')).toBe('no such city');
  expect(compared).toMatchObject([{ isSame: false }]);
  expect(similar).toMatchObject({ hits: 0, checked: 1, wrong: 1 });
});

test('a call that fails on the way teaches nothing', async () => {
  const run: ScriptedTool['run'] = ({ city }) => {
    if (city === 'oslo') throw new GatewayError('UPSTREAM_UNAVAILABLE', 'away', { data: { sent: true } });
    return answerTo('found');
  };
  const { gateway, ask, compared, dice } = await start({ run });
  await using _ = gateway;
  await ask('OSLO');
  dice.next = CHECKED;
  await expect(gateway.call('find', { city: 'oslo' }, { principal: 'ann' })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' });
  expect(compared).toEqual([]);
});

test('what another server answers in its place is not compared', async () => {
  const run: ScriptedTool['run'] = ({ city }) => {
    if (city === 'oslo') throw new GatewayError('UPSTREAM_UNAVAILABLE', 'away', { data: { sent: false } });
    return answerTo('found');
  };
  const { gateway, ask, compared, dice } = await start({ run, instead: () => answerTo('elsewhere'), annotations: { readOnlyHint: true } });
  await using _ = gateway;
  await ask('OSLO');
  dice.next = CHECKED;
  expect(await ask('oslo')).toBe('elsewhere');
  expect(compared).toEqual([]);
});

test('after an answer that would have been wrong, none is given for a while, and none that is as old ever', async () => {
  let answers = 0;
  const { gateway, run, ask, dice, similar } = await start({ run: () => answerTo(String(++answers)) });
  await using _ = gateway;
  await ask('Rome');
  await ask('Oslo');
  dice.next = CHECKED;
  expect(await ask('oslo')).toBe('3');
  dice.next = GIVEN;
  expect(await ask('OSLO')).toBe('4');
  expect(similar).toMatchObject({ hits: 0, checked: 2, wrong: 2 });
  dice.offsetMs = 10_500;
  expect(await ask('OSlo')).toBe('4');
  expect(await ask('rome')).toBe('5');
  expect(similar).toMatchObject({ hits: 1, compared: 2 });
  expect(run).toHaveBeenCalledTimes(5);
});

test('an answer that has become old or was forgotten is given to nobody', async () => {
  const { gateway, run, ask, dice } = await start({ cache: { ttlMs: 1_000, staleMs: 100_000 } });
  await using _ = gateway;
  await ask('Oslo');
  dice.offsetMs = 1_500;
  await ask('oslo');
  expect(run).toHaveBeenCalledTimes(2);
  await gateway.answers.clear('a');
  await ask('OSLO');
  expect(run).toHaveBeenCalledTimes(3);
  await ask('OSlo');
  expect(run).toHaveBeenCalledTimes(3);
});

test('calls are known up to a number, the ones used last', async () => {
  const { gateway, run, ask } = await start({ memoryBytes: 100_000_000 });
  await using _ = gateway;
  for (let city = 0; city < 4_200; city++) await ask(`Oslo ${city}`);
  await ask('oslo 0');
  await ask('oslo 4199');
  expect(run).toHaveBeenCalledTimes(4_201);
});
