import fc from 'fast-check';
import { expect, test } from 'vitest';
import { silentLogger } from '@signalbox/core';
import { createSchemaValidator } from '../stages/schema-validator.ts';
import { doGently } from './gently.ts';
import { shortenJson, type ShortenedJson } from './shorten-json.ts';
import { sketchJson } from './sketch.ts';

const schemas = createSchemaValidator({ logger: silentLogger });

async function shorten(value: unknown, maxBytes: number, schema?: object): Promise<ShortenedJson | undefined> {
  const bytes = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  const isValid = ({ text }: ShortenedJson) => schema === undefined || schemas.accepts(schema as Record<string, unknown>, JSON.parse(text));
  return shortenJson(bytes, await doGently(sketchJson(bytes)), { maxBytes, isValid });
}

const rows = (count: number) => Array.from({ length: count }, (_, id) => ({ id, name: `row ${id}` }));

test('arrays keep their first items and texts their beginning, and each place is told', async () => {
  const { text, shortenings } = (await shorten({ total: 900, rows: rows(900), log: 'l'.repeat(9000), 'a/b': [1] }, 1000))!;
  expect(JSON.parse(text)).toEqual({ total: 900, rows: rows(10), log: `${'l'.repeat(500)}…`, 'a/b': [1] });
  expect(shortenings).toEqual([
    { path: '/rows', kept: 10, of: 900, unit: 'items' },
    { path: '/log', kept: 503, of: 9000, unit: 'bytes' },
  ]);
});

test('what is left is written as it was', async () => {
  const large = `{"n":9007199254740993,"f":1.0,"x":[${'7,'.repeat(500)}7]}`;
  expect((await shorten(large, 200))!.text).toBe(`{"n":9007199254740993,"f":1.0,"x":[${Array.from({ length: 20 }, () => 7).join(',')}]}`);
});

test('what the schema asks for is kept', async () => {
  const schema = {
    type: 'object',
    properties: {
      rows: { type: 'array', minItems: 3, items: { type: 'object', required: ['id', 'name'] } },
      hash: { type: 'string', pattern: '^[0-9a-f]{640}$' },
    },
    required: ['rows', 'hash'],
    additionalProperties: false,
  };
  const value = { rows: rows(500), hash: 'ab'.repeat(320) };
  expect(JSON.parse((await shorten(value, 900, schema))!.text)).toEqual({ rows: rows(5), hash: value.hash });
  expect(await shorten(value, 700, schema)).toBeUndefined();
  expect(await shorten({ rows: rows(500), hash: 'no' }, 900, schema)).toBeUndefined();
});

test('a value of many members cannot be shortened, nor can one whose schema cannot be used', async () => {
  expect(await shorten(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`k${index}`, index])), 100_000)).toBeUndefined();
  expect(await shorten({ rows: rows(500) }, 900, { type: 'object', properties: { rows: { type: 'no such type' } } })).toBeUndefined();
});

test('a shortened value is small enough, valid, and a beginning of the whole', async () => {
  const item = fc.record({
    id: fc.integer(),
    tags: fc.array(fc.string({ maxLength: 5 }), { maxLength: 30 }),
    note: fc.string({ maxLength: 900 }),
  });
  const schemaOf = (minItems: number) => ({
    type: 'object',
    properties: {
      items: {
        type: 'array',
        minItems,
        items: {
          type: 'object',
          required: ['id', 'tags', 'note'],
          properties: { tags: { type: 'array', items: { type: 'string' } }, note: { type: 'string' } },
        },
      },
    },
    required: ['items'],
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { minLength: 5, maxLength: 40 }),
      fc.nat({ max: 5 }),
      fc.integer({ min: 200, max: 5000 }),
      async (items, minItems, maxBytes) => {
        const schema = schemaOf(minItems);
        const shortened = await shorten({ items }, maxBytes, schema);
        if (shortened === undefined) return;
        expect(Buffer.byteLength(shortened.text)).toBeLessThanOrEqual(maxBytes);
        const value = JSON.parse(shortened.text) as { items: typeof items };
        expect(schemas.accepts(schema, value)).toBe(true);
        for (const [index, { id, tags, note }] of value.items.entries()) {
          const whole = items[index]!;
          expect([id, tags]).toEqual([whole.id, whole.tags.slice(0, tags.length)]);
          expect(note === whole.note || whole.note.startsWith(note.slice(0, -1))).toBe(true);
        }
      },
    ),
    { numRuns: 60 },
  );
});
