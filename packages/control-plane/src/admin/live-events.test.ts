import { expect, test } from 'vitest';
import { callRecord, createAdminSetup, upstreamStatus } from '../testing/admin-setup.ts';

interface Heard {
  readonly id: string;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

type Setup = Awaited<ReturnType<typeof createAdminSetup>>;

/** Opens the stream and reads what is there. */
async function listen({ ask }: Setup, query = '', headers: Record<string, string> = {}) {
  const { response, status } = await ask('GET', `/events${query}`, { headers });
  expect([status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  const read = async (): Promise<readonly Heard[] | undefined> => {
    const { done, value } = await reader.read();
    if (done) return undefined;
    const blocks = decoder
      .decode(value)
      .split('\n\n')
      .filter((block) => block.startsWith('id: '));
    return blocks.map((block) => {
      const [id = '', type = '', data = ''] = block.split('\n').map((line) => line.slice(line.indexOf(': ') + 2));
      return { id, type, data: JSON.parse(data) as Record<string, unknown> };
    });
  };
  return { read, cancel: () => reader.cancel() };
}

const change = { operations: [{ op: 'set', path: 'mcpServers.b', value: { command: 'x' } }] };

test('a reader hears of versions, calls and changes of status', async () => {
  const setup = await createAdminSetup();
  const { read, cancel } = await listen(setup);
  expect(await read()).toMatchObject([{ type: 'hello', data: { stateVersion: 1 } }]);
  await setup.ask('POST', '/changes', { body: change });
  expect(await read()).toMatchObject([{ type: 'state', data: { version: 2, by: 'local', lines: ['+ mcpServers.b'] } }]);
  setup.journal.write(callRecord('2'));
  expect(await read()).toMatchObject([{ type: 'call', data: { callId: '2' } }]);
  setup.upstreams.set('github', { ...upstreamStatus('github'), state: 'failed' });
  setup.tick();
  expect(await read()).toMatchObject([{ type: 'upstream', data: { name: 'github', state: 'failed' } }]);
  await cancel();
  expect(setup.timers.size).toBe(0);
});

test('only what is asked for is told', async () => {
  const setup = await createAdminSetup();
  const { read } = await listen(setup, '?types=call');
  await read();
  await setup.ask('POST', '/changes', { body: change });
  setup.journal.write(callRecord('2'));
  expect(await read()).toMatchObject([{ type: 'call' }]);
  expect((await setup.ask('GET', '/events?types=calls')).status).toBe(400);
});

test('one who comes back hears what was missed, or that it is not known', async () => {
  const setup = await createAdminSetup();
  const first = await listen(setup, '?types=state');
  const [hello] = (await first.read())!;
  await first.cancel();
  await setup.ask('POST', '/changes', { body: change });
  const second = await listen(setup, '?types=state', { 'last-event-id': hello!.id });
  expect(await second.read()).toMatchObject([{ type: 'hello' }]);
  expect(await second.read()).toMatchObject([{ type: 'state', data: { version: 2 } }]);
  for (const id of ['zz-1', hello!.id.replace(/\d+$/, '999'), 'nonsense']) {
    const other = await listen(setup, '', { 'last-event-id': id });
    expect(await other.read()).toMatchObject([{ type: 'reset' }]);
  }
});

test('a reader who does not keep up is dropped, and the others go on', async () => {
  const setup = await createAdminSetup();
  const slow = await listen(setup);
  const quick = await listen(setup, '?types=state');
  await quick.read();
  for (let index = 0; index < 3000; index++) setup.journal.write({ ...callRecord(String(index)), name: 'x'.repeat(200) });
  await setup.ask('POST', '/changes', { body: change });
  expect(await quick.read()).toMatchObject([{ type: 'state' }]);
  let bytes = 0;
  for (let heard = await slow.read(); heard !== undefined; heard = await slow.read()) bytes += JSON.stringify(heard).length;
  expect(bytes).toBeLessThan(300_000);
});

test('streams end with the gateway', async () => {
  const setup = await createAdminSetup();
  const { read } = await listen(setup);
  await read();
  setup.api.close();
  expect(await read()).toBeUndefined();
  expect(setup.timers.size).toBe(0);
});
