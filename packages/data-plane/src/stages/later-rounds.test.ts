import { GatewayError, type Outcome } from '@signalbox/core';
import { expect, test, vi } from 'vitest';
import { createMemoryGateway, createScriptedServer, resultOf, textOf, type ScriptedTool } from '../testing/memory-gateway.ts';

const QUESTION = { who: { method: 'elicitation/create', params: { message: 'Who?' } } };

/** Answers with a question until it has been answered, with a state of its own where it is given one. */
function asking(name: string, state?: string): ScriptedTool['run'] {
  return (_, { params }) => {
    const given = params.get('requestState')?.value;
    if (!params.has('inputResponses') || given !== state) {
      const result = { resultType: 'input_required', inputRequests: QUESTION, ...(state !== undefined && { requestState: state }) };
      return { ...resultOf(result), resultType: 'input_required' };
    }
    return resultOf({ content: [{ type: 'text', text: `done by ${name}` }] });
  };
}

/** A tool of two upstreams, of which the first is away until it is told otherwise. */
async function start({ state, ownState }: { readonly state?: string; readonly ownState?: string } = {}) {
  const first = { isAway: true };
  const [a, b] = [
    vi.fn<ScriptedTool['run']>((args, request) => {
      if (first.isAway) throw new GatewayError('UPSTREAM_UNAVAILABLE', 'away', { data: { sent: false } });
      return asking('a', ownState)(args, request);
    }),
    vi.fn<ScriptedTool['run']>(asking('b', state)),
  ];
  const gateway = await createMemoryGateway({
    servers: { a: createScriptedServer([{ name: 'ask', run: a }]), b: createScriptedServer([{ name: 'ask', run: b }]) },
    config: { a: { fallback: ['b'], retry: { attempts: 1 } } },
  });
  await gateway.list('tools/list');
  const call = (more: object = {}) => gateway.call('ask', {}, { params: { name: 'ask', arguments: {}, ...more } });
  return { gateway, first, a, b, call };
}

const stateOf = (outcome: Outcome): unknown => (outcome.kind === 'result' ? outcome.result.object?.['requestState'] : undefined);
const ANSWERS = { who: { action: 'accept', content: {} } };

test.each([
  ['its own state', 'state-of-b'],
  ['no state', undefined],
  ['a state of any kind', 'signalbox/asked-by:["a","ask"]'],
])('the answer goes to the fallback that has asked, which gets %s back', async (...[, state]) => {
  const { gateway, first, a, b, call } = await start(state === undefined ? {} : { state });
  await using _ = gateway;
  const asked = await call();
  expect(asked).toMatchObject({ resultType: 'input_required' });
  first.isAway = false;
  const answered = await call({ requestState: stateOf(asked), inputResponses: ANSWERS });
  expect(textOf(answered)).toBe('done by b');
  expect(a).toHaveBeenCalledTimes(1);
  expect(b.mock.calls[1]![1].params.get('requestState')?.value).toBe(state);
  expect(gateway.records.map(({ upstream, attempts }) => [upstream, attempts])).toEqual([
    ['b', 2],
    ['b', 1],
  ]);
});

test('what the upstream itself has asked is for it alone, also when it is away then, and its state is left as it is', async () => {
  const { gateway, first, b, call } = await start({ ownState: 'state-of-a' });
  await using _ = gateway;
  first.isAway = false;
  const asked = await call();
  expect(stateOf(asked)).toBe('state-of-a');
  first.isAway = true;
  await expect(call({ requestState: 'state-of-a', inputResponses: ANSWERS })).rejects.toThrow(/away/);
  await expect(call({ inputResponses: ANSWERS })).rejects.toThrow(/away/);
  first.isAway = false;
  expect(textOf(await call({ requestState: 'state-of-a', inputResponses: ANSWERS }))).toBe('done by a');
  expect(b).not.toHaveBeenCalled();
});

test('an upstream cannot have its caller’s answers sent elsewhere', async () => {
  const ownState = 'signalbox/asked-by:["b","ask","x"]';
  const { gateway, first, b, call } = await start({ ownState });
  await using _ = gateway;
  first.isAway = false;
  const asked = await call();
  expect(textOf(await call({ requestState: stateOf(asked), inputResponses: ANSWERS }))).toBe('done by a');
  expect(b).not.toHaveBeenCalled();
});

test('a fallback that asks again is asked again', async () => {
  let rounds = 0;
  const { gateway, b, call } = await start({ state: 'last' });
  await using _ = gateway;
  const once = asking('b', 'last');
  b.mockImplementation((args, request) => (++rounds < 3 ? asking('b', `round ${rounds}`)(args, request) : once(args, request)));
  let outcome = await call();
  for (let round = 0; round < 3; round++) outcome = await call({ requestState: stateOf(outcome), inputResponses: ANSWERS });
  expect(textOf(outcome)).toBe('done by b');
});

test('a fallback that is none any more is told of, and nobody else is asked', async () => {
  const { gateway, first, a, b, call } = await start({ state: 's' });
  await using _ = gateway;
  const asked = await call();
  gateway.apply({ a: { module: 'a' }, b: { module: 'b' } });
  first.isAway = false;
  await expect(call({ requestState: stateOf(asked), inputResponses: ANSWERS })).rejects.toThrow(
    /Cannot go on with this call of "ask": "b" had asked for input in place of its upstream.*make the call anew/,
  );
  await expect(call({ requestState: 'signalbox/asked-by:nonsense' })).rejects.toThrow(/not one of ours/);
  expect([a.mock.calls.length, b.mock.calls.length]).toEqual([1, 1]);
});
