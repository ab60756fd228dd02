import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { doGently } from './gently.ts';
import { findValues } from './json-path.ts';
import { toPointerStep } from './shorten-json.ts';

const VALUE = {
  items: [{ id: 1, name: 'one' }, { id: 2, name: 'two' }, { id: 3 }],
  users: { ann: { age: 30 }, 'b/e~n': { age: 40 } },
  '*': 'star',
  'a:b': [true],
  none: [],
};

async function find(path: string, limit = 100, value: unknown = VALUE) {
  const bytes = Buffer.from(JSON.stringify(value, undefined, 1));
  const matches = await doGently(findValues(bytes, path, limit));
  if ('problem' in matches) return matches.problem;
  const { found, hasMore, missing, of } = matches;
  const values = found.map(({ path, start, end }) => [path, JSON.parse(bytes.toString('utf8', start, end))] as const);
  return { values, hasMore, missing, of };
}

const only = (path: string, value: unknown) => ({ values: [[path, value]], hasMore: false, missing: 0, of: undefined });

describe('a path', () => {
  test('finds one value as a JSON Pointer does', async () => {
    expect(await find('')).toEqual(only('', VALUE));
    expect(await find('/items/1/name')).toEqual(only('/items/1/name', 'two'));
    expect(await find('/items/-1')).toEqual(only('/items/2', { id: 3 }));
    expect(await find('/users/b~1e~0n/age')).toEqual(only('/users/b~1e~0n/age', 40));
    expect(await find('/*')).toEqual(only('/*', 'star'));
    expect(await find('/a:b')).toEqual(only('/a:b', [true]));
  });

  test('picks several with a slice or a star', async () => {
    expect(await find('/items/1:/id')).toMatchObject({
      values: [
        ['/items/1/id', 2],
        ['/items/2/id', 3],
      ],
      of: 3,
    });
    expect(await find('/items/:-1/id')).toMatchObject({
      values: [
        ['/items/0/id', 1],
        ['/items/1/id', 2],
      ],
    });
    expect(await find('/items/-2:/id')).toMatchObject({
      values: [
        ['/items/1/id', 2],
        ['/items/2/id', 3],
      ],
    });
    expect(await find('/users/*/age')).toMatchObject({
      values: [
        ['/users/ann/age', 30],
        ['/users/b~1e~0n/age', 40],
      ],
      of: 2,
    });
    expect(await find('/items/*/name')).toMatchObject({
      values: [
        ['/items/0/name', 'one'],
        ['/items/1/name', 'two'],
      ],
      missing: 1,
    });
    expect(await find('/items/*', 2)).toMatchObject({ values: { length: 2 }, hasMore: true, of: 3 });
  });

  test.each([
    ['items', 'a path is empty or begins with "/", and this one is "items"'],
    ['/item', 'the whole has no "item"; it has "items", "users", "*", "a:b", "none"'],
    ['/items/3', '"/items" has 3 items, so there is no "3"'],
    ['/items/9:12', '"/items" has 3 items, so there are none from 9 on'],
    ['/none/*', '"/none" has 0 items, so there are none from 0 on'],
    ['/items/first', '"/items" is an array, and "first" is neither an index, nor a slice such as "0:10", nor "*"'],
    ['/items/0/name/x', '"/items/0/name" is neither an array nor an object, so there is no "x" in it'],
    ['/items/*/size', '"/items/0" has no "size"; it has "id", "name"'],
  ])('%s leads nowhere, and its answer says where to go', async (path, problem) => {
    expect(await find(path)).toBe(problem);
  });

  test('to anything in a value finds that and nothing else', async () => {
    const pathsIn = (value: unknown): [string, unknown][] => [
      ['', value],
      ...Object.entries(typeof value === 'object' && value !== null ? value : {}).flatMap(([key, member]) =>
        pathsIn(member).map(([path, inner]): [string, unknown] => [toPointerStep(key) + path, inner]),
      ),
    ];
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (given) => {
        const value = JSON.parse(JSON.stringify(given)) as unknown;
        for (const [path, inner] of pathsIn(value).slice(0, 20)) expect(await find(path, 5, value)).toEqual(only(path, inner));
      }),
    );
  });
});
