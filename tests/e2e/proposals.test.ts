import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { askAdmin, untilState } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { runSignalbox, startGateway } from './support/gateway.ts';
import { openOfficialClient } from './support/official-clients.ts';

const server = fileURLToPath(new URL('./servers/strict-server.mjs', import.meta.url));
const config = {
  mcpServers: { orders: { command: process.execPath, args: [server] } },
  surface: 'search',
  learning: { enabled: true },
};

interface Proposal {
  readonly id: string;
  readonly trial?: object;
}

test('how callers mend a call is proposed as a change of the definition, and tried on some of them', async () => {
  await using gateway = await startGateway({ config });
  await untilState(gateway, 'orders', 'ready');
  const ask = async <Body>(route: string) => (await (await askAdmin(gateway.dataDir, route, 'GET', {})).json()) as Body;
  const proposals = async () => (await ask<{ proposals: Proposal[] }>('/learning/proposals?upstream=orders')).proposals;
  const run = (...args: string[]) => runSignalbox(['learn', ...args, '--config', gateway.configFile, '--data', gateway.dataDir]);
  expect((await run('proposals')).stdout).toBe('Nothing yet\n');
  await using client = await openOfficialClient('client modern', gateway.url);
  for (let time = 0; time < 3; time++)
    for (const args of [{ limit: 2 }, { limit: 2, customer: 'Ann' }]) await client.call('call_tool', { name: 'find', arguments: args });

  const [proposal] = await eventually('a change is proposed', async () => {
    const found = await proposals();
    return found.length > 0 ? found : undefined;
  });
  expect(proposal).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{10}$/) as string,
    upstream: 'orders',
    tool: 'find',
    callers: 1,
    ofCallers: 1,
    why: '1 of 1 callers who repaired a call with "toolError" added `customer` (string)',
    addToDescription: 'Always give `customer` (string).',
    schemaPatch: [{ op: 'add', path: '/required', value: ['customer'] }],
  });
  const { id } = proposal!;
  const shown = await run('proposals', '--tool', 'find');
  expect(shown.stdout).toContain(`orders.find  ${id}\n`);
  expect(shown.stdout).toContain('description  add "Always give `customer` (string)."\n  schema       add /required ["customer"]\n');
  expect((await run('proposals', '--tool', 'other')).stdout).toBe('Nothing yet\n');

  const trial = ['experiment', 'start', 'whose', '--kind', 'description', '--goal', 'failed', '--share', '0.9'];
  expect((await run(...trial, '--proposal', 'none')).stderr).toContain('There is no proposal "none"');
  expect((await run(...trial, '--proposal', id, '--tool', 'find')).stderr).toContain('has no place in an experiment of a proposal');
  const started = await run(...trial, '--proposal', id, '--json');
  expect(JSON.parse(started.stdout)).toMatchObject({
    kind: 'description',
    goal: 'failed',
    upstream: 'orders',
    tool: 'find',
    description: 'Finds orders of a customer. Always give `customer` (string).',
    stage: 'canary',
    guards: [{ metric: 'repeated' }, { metric: 'slow' }, { metric: 'kilobytes' }],
  });
  expect((await proposals())[0]!.trial).toEqual({ name: 'whose', stage: 'canary' });
  expect((await run('proposals')).stdout).toContain('on trial     "whose", canary');

  // Which sessions get it is drawn, nine in ten do.
  await eventually('some are shown what was proposed', async () => {
    await using other = await openOfficialClient('sdk', gateway.url);
    const { text } = await other.call('describe_tool', { names: ['find'] });
    return text.includes('Always give `customer` (string).') ? true : undefined;
  });
});
