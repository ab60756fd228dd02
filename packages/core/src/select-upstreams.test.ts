import { expect, test } from 'vitest';
import { selectUpstreams } from './select-upstreams.ts';

const upstreams = [
  { name: 'a', kind: 'stdio', tags: ['code', 'prod'], capabilities: ['tools'] },
  { name: 'b', kind: 'http', tags: ['prod'], capabilities: ['tools', 'prompts'] },
  { name: 'c', kind: 'module', tags: [], capabilities: [] },
] as const;

test.each([
  [{}, 'abc'],
  [{ kind: 'http' }, 'b'],
  [{ tags: ['prod'] }, 'ab'],
  [{ tags: ['prod', 'code'] }, 'a'],
  [{ capability: 'prompts' }, 'b'],
  [{ kind: 'stdio', capability: 'prompts' }, ''],
])('%o selects %s', (selection, names) => {
  expect(
    selectUpstreams(upstreams, selection)
      .map(({ name }) => name)
      .join(''),
  ).toBe(names);
});
