import { RawJson } from '@signalbox/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeSources, takeArguments } from './argument-sources.ts';
import { Conversation } from './conversations.ts';

const options = { hashOf: (place: string) => `<${place}>` };

function resultOf(result: object) {
  const bytes = Buffer.from(JSON.stringify(result));
  return { kind: 'result', result: RawJson.fromBytes(bytes), resultType: 'complete', isError: false, revision: '2025-06-18' } as const;
}

function conversationOf(...calls: readonly (readonly [args: object | undefined, result: object])[]): Conversation {
  const conversation = new Conversation();
  for (const [index, [args, result]] of calls.entries())
    conversation.end({ upstream: 'shop', tool: `tool${index}` }, args && RawJson.fromValue(args), resultOf(result));
  return conversation;
}

const USER = [{ email: 'ann@example.com' }, { content: [{ type: 'text', text: 'ann_77' }] }] as const;
const ORDERS = [
  { user: 'ann_77', limit: 20 },
  { structuredContent: { orders: [{ id: '#W1', lines: 12 }, { id: '#W2' }] }, content: [] },
] as const;
const ITEMS = [{ order: '#W1' }, { content: [{ type: 'text', text: '{"items":[4711,4712],"a/b":"x~y"}' }] }] as const;

test.each([
  ['nothing', [USER], undefined, 'null'],
  ['no argument', [USER], {}, '[]'],
  ['the text of a result', [USER], { user_id: 'ann_77' }, '[["user_id","r0:<text 0>"]]'],
  ['a place in a result', [USER, ORDERS], { order: '#W2' }, '[["order","r0:</orders/1/id>"]]'],
  ['a place in text that is JSON', [ITEMS], { item: 4712, name: 'x~y' }, '[["item","r0:<text 0/items/1>"],["name","r0:<text 0/a~1b>"]]'],
  ['a result before the last', [ORDERS, ITEMS], { order_id: '#W2' }, '[["order_id","r1:</orders/1/id>"]]'],
  ['an argument of another name', [ORDERS], { owner: 'ann_77' }, '[["owner","a0:user"]]'],
  ['the same name in whichever call', [ORDERS, ITEMS, ITEMS], { user: 'ann_77', limit: 20 }, '[["limit","s"],["user","s"]]'],
  ['the only one of a list', [ORDERS], { ids: ['#W1'] }, '[["ids","[r0:</orders/0/id>"]]'],
  [
    'what the schema lists',
    [USER],
    { cabin: 'economy', deep: true, page: 1 },
    '[["cabin","l:\\"economy\\""],["deep","l:true"],["page","l:1"]]',
  ],
] as const)('arguments are described and taken again: %s', (_, calls, args, sources) => {
  const known = conversationOf(...calls);
  const inputSchema = { properties: { cabin: { enum: ['economy', 'first'] }, page: { default: 1 } } };
  expect(describeSources(args, known, { ...options, inputSchema })).toBe(sources);
  expect(takeArguments(sources, known, options)).toEqual(args === undefined ? {} : { args });
});

test.each([
  ['it stood nowhere', { order: '#W9' }],
  ['it may have stood there by chance', { count: 5 }],
  ['a number that was changed by being read', { id: 2 ** 60 }],
  ['several of a list', { ids: ['#W1', '#W2'] }],
  ['too many arguments', Object.fromEntries(Array.from({ length: 13 }, (__, index) => [`n${index}`, true]))],
  ['no object', ['#W1']],
])('arguments are not described: %s', (_, args) => {
  const known = conversationOf([{ count: 5, id: 2 ** 60 }, { structuredContent: { id: '#W1', count: 5, other: '#W2' } }]);
  known.named.delete('count');
  expect(describeSources(args, known, { ...options, inputSchema: {} })).toBeUndefined();
});

test('what is not there cannot be taken', () => {
  const known = conversationOf(ORDERS);
  for (const source of ['r0:<nowhere>', 'r1:</orders/0/id>', 'a0:other', 'a2:user', 's', '[r0:<nowhere>'])
    expect(takeArguments(JSON.stringify([['order', source]]), known, options)).toBeUndefined();
});

test('results are looked into within bounds', () => {
  const deep = JSON.parse(`${'{"a":'.repeat(20)}"deep value"${'}'.repeat(20)}`) as object;
  const known = conversationOf(
    [{}, { structuredContent: { list: Array.from({ length: 1_000 }, (_, index) => `item ${index}`), deep } }],
    [{}, { structuredContent: { large: 'x'.repeat(20_000), id: 'id-1' } }],
  );
  const isThere = (value: string) => describeSources({ value }, known, { ...options, inputSchema: {} }) !== undefined;
  expect(['item 4', 'item 5', 'deep value', 'id-1'].map(isThere)).toEqual([true, false, false, false]);
});

test('whatever is described is taken as it was', () => {
  const scalar = fc.oneof(fc.string(), fc.double({ noNaN: true }), fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 2 }), fc.dictionary(fc.string(), scalar, { maxKeys: 2 }));
  const object = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), value, { maxKeys: 4 });
  const written = (json: unknown) => JSON.parse(JSON.stringify(json)) as Record<string, unknown>;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(object, object), { minLength: 1, maxLength: 4 }),
      fc.infiniteStream(fc.nat()),
      object,
      (calls, picks, more) => {
        const known = conversationOf(...calls.map(([args, structuredContent]) => [written(args), { structuredContent }] as const));
        const there = calls.flatMap(([args, result]) => [...Object.entries(written(args)), ...Object.entries(written(result))]);
        const picked = Array.from({ length: 3 }, () => there[picks.next().value! % Math.max(1, there.length)]).filter(
          (one) => one !== undefined,
        );
        for (const args of [Object.fromEntries(picked), written(more)]) {
          const sources = describeSources(args, known, { ...options, inputSchema: {} });
          const taken = sources === undefined ? args : takeArguments(sources, known, options)?.args;
          expect(taken).toEqual(args);
        }
      },
    ),
  );
});
