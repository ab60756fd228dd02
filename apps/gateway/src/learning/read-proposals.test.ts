import type { ToolDefinition } from '@signalbox/core';
import { versionedTool, type Repair, type RepairQuestion } from '@signalbox/learning';
import { expect, test } from 'vitest';
import { readProposals, toProposedCandidate } from './read-proposals.ts';

const FIND: ToolDefinition = { name: 'find', description: 'Finds orders', inputSchema: { properties: { customer: {}, limit: {} } } };
const [find, list] = ['find', 'list'].map((tool) => ({ upstream: 'orders', tool, toolVersion: 'v1' }));

function repairOf(name: string, more: Partial<Repair> = {}): Repair {
  const edit = { kind: 'added', name, type: 'string' } as const;
  return { tool: versionedTool(find!), errorCode: 'toolError', edit, times: 3, principals: 3, ofPrincipals: 4, ...more };
}

function create({ tools = [FIND], version = 'v1', repairs = [repairOf('customer'), repairOf('limit', { principals: 4 })] } = {}) {
  const experiment = {
    spec: {
      name: 'whose',
      candidate: { kind: 'description', upstream: 'orders', tool: 'find', description: 'Always give `limit` (string).' },
    },
    rollout: { stage: 'canary' },
  };
  const answers: Readonly<Record<string, (argument: readonly RepairQuestion[]) => unknown>> = {
    outcomes: () => [find, list],
    experiments: () => [experiment],
    repairs: (questions) => questions.map(({ tool }) => (tool === versionedTool(find!) ? repairs : [])),
  };
  return {
    thread: { ask: async <Value>(name: string, argument?: unknown) => answers[name]!(argument as readonly RepairQuestion[]) as Value },
    versionOf: () => ({ version, effect: 'read' as const }),
    toolsOf: (upstream: string) => (upstream === 'orders' ? tools : undefined),
  };
}

test('what most have found is proposed first, with the experiment that tries it', async () => {
  const { proposals } = await readProposals(create(), {});
  expect(proposals).toMatchObject([
    {
      tool: 'find',
      callers: 4,
      ofCallers: 4,
      addToDescription: 'Always give `limit` (string).',
      trial: { name: 'whose', stage: 'canary' },
    },
    { tool: 'find', callers: 3, ofCallers: 4, schemaPatch: [{ op: 'add', path: '/required', value: ['customer'] }] },
  ]);
  expect(proposals[1]).not.toHaveProperty('trial');
  expect(new Set(proposals.map(({ id }) => id)).size).toBe(2);
  expect((await readProposals(create(), { upstream: 'orders', tool: 'find' })).proposals).toEqual(proposals);
  expect((await readProposals(create(), { tool: 'list' })).proposals).toEqual([]);
});

test.each([
  ['the tool is not listed', { tools: [] }],
  ['it has changed since', { version: 'v2' }],
  ['few have found it', { repairs: [repairOf('customer', { ofPrincipals: 7 })] }],
  [
    'it says so already',
    {
      tools: [
        { ...FIND, description: 'Always give `customer` (string).', inputSchema: { properties: { customer: {} }, required: ['customer'] } },
      ],
      repairs: [repairOf('customer')],
    },
  ],
])('nothing is proposed: %s', async (_, more) => {
  expect((await readProposals(create(more), {})).proposals).toEqual([]);
});

test('a proposal is tried as the description as it is with the sentence at its end', async () => {
  const { proposals } = await readProposals(create(), {});
  expect(await toProposedCandidate(create(), proposals[1]!.id)).toEqual({
    kind: 'description',
    upstream: 'orders',
    tool: 'find',
    description: 'Finds orders. Always give `customer` (string).',
  });
  await expect(toProposedCandidate(create({ version: 'v2' }), proposals[1]!.id)).rejects.toThrow(
    /There is no proposal "[0-9a-f]{10}" for a tool as it is now/,
  );
});
