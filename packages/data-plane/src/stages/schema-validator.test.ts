import { describe, expect, test } from 'vitest';
import { silentLogger, type Logger } from '@signalbox/core';
import { createSchemaValidator } from './schema-validator.ts';

function createValidator(options: { maxInlineBytes?: number; maxBytes?: number; compileMs?: number } = {}) {
  const warnings: unknown[] = [];
  const logger: Logger = { ...silentLogger, warn: (_, fields) => warnings.push(fields) };
  return { validator: createSchemaValidator({ logger, ...options }), warnings };
}

const point = {
  type: 'object',
  properties: { x: { type: 'number' }, tags: { type: 'array', items: { enum: ['a', 'b'] } } },
  required: ['x'],
  additionalProperties: false,
};

const nested = {
  ...point,
  properties: {
    ...point.properties,
    at: { properties: { y: { type: 'boolean' }, 'a/b~c': { enum: ['d'] } } },
    whole: { properties: { z: { type: 'boolean' } }, required: ['z'] },
    either: { anyOf: [{ type: 'string' }, { type: 'number' }] },
  },
};

describe('a schema', () => {
  test('is compiled once, and from then on checked without a promise', async () => {
    const { validator } = createValidator();
    expect(await validator.validate(point, { x: 1 })).toBeUndefined();
    expect(validator.validate(point, { x: 1 })).toBeUndefined();
    expect(validator.validate(point, { x: 'one', tags: ['c'], y: 1 })).toMatchObject([
      { path: '', unknownKey: 'y' },
      { path: 'x', message: 'must be number, not "one"' },
      { path: 'tags.0', message: 'must be one of ["a","b"]' },
    ]);
  });

  test('that is large is compiled in a worker and judges the same', async () => {
    const { validator, warnings } = createValidator({ maxInlineBytes: 10 });
    const schema = { ...point, properties: { ...point.properties, when: { type: 'string', format: 'date-time', pattern: '^2' } } };
    expect(await validator.validate(schema, { x: 1, when: '2026-07-28T00:00:00Z' })).toBeUndefined();
    expect(validator.validate(schema, { when: 'tomorrow' })).toMatchObject([{ missingKey: 'x' }, { path: 'when' }, { path: 'when' }]);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['an optional member', { x: 1, tags: null }],
    ['an optional member of a member', { x: 1, at: { y: null, 'a/b~c': null } }],
    ['an optional member one of whose forms it must have', { x: 1, either: null }],
  ])('lets null stand for the absence of %s', async (_, value) => {
    const { validator } = createValidator();
    const before = structuredClone(value);
    expect(await validator.validate(nested, value)).toBeUndefined();
    expect(value).toEqual(before);
  });

  test.each([
    ['a required member', { x: null }, ['x']],
    ['a required member of a member', { x: 1, whole: { z: null }, at: { y: null } }, ['whole.z', 'at.y']],
    ['a member that it does not know', { x: 1, unknown: null }, ['']],
    ['an element of a list', { x: 1, tags: ['a', null] }, ['tags.1']],
    ['an optional member beside a wrong one', { x: 'one', tags: null }, ['x', 'tags']],
    ['all there is', null, ['']],
  ])('does not take null for %s', async (_, value, paths) => {
    const { validator } = createValidator();
    const problems = await validator.validate(nested, value);
    expect(problems?.map(({ path }) => path).toSorted()).toEqual(paths.toSorted());
  });

  test('of draft 7 means what it says there', async () => {
    const { validator } = createValidator();
    const pair = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'array',
      items: [{ type: 'string' }, { type: 'number' }],
      additionalItems: false,
    };
    expect(await validator.validate(pair, ['a', 1])).toBeUndefined();
    expect(validator.validate(pair, ['a', 1, 2])).toBeDefined();
  });

  test('of 2020-12 may use what is new there, and two may share an id', async () => {
    const { validator } = createValidator();
    const first = {
      $id: 'https://example.com/same',
      $defs: { name: { type: 'string' } },
      type: 'array',
      prefixItems: [{ $ref: '#/$defs/name' }],
      items: false,
    };
    const second = { $id: 'https://example.com/same', type: 'object', dependentRequired: { a: ['b'] } };
    expect(await validator.validate(first, ['a'])).toBeUndefined();
    expect(validator.validate(first, [1])).toBeDefined();
    expect(await validator.validate(second, { a: 1 })).toBeDefined();
  });

  test.each([
    ['is no schema', { type: 'nonsense' }, {}],
    ['points to somewhere that is not', { $ref: '#/$defs/missing' }, {}],
    ['wants to be fetched', { $ref: 'https://example.com/schema.json' }, {}],
    ['is too large', { description: 'x'.repeat(200) }, { maxBytes: 100 }],
    ['takes too long in its worker', point, { maxInlineBytes: 10, compileMs: 1 }],
  ])('that %s is passed over, with one line in the log', async (_, schema, options) => {
    const { validator, warnings } = createValidator(options);
    expect(await validator.validate(schema, { anything: true })).toBeUndefined();
    expect(await validator.validate(schema, { anything: true })).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});
