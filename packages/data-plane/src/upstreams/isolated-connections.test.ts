import { expect, test } from 'vitest';
import { createSession, startIsolated } from '../testing/isolated-clients.ts';

test.each([
  ['a process each', { command: 'server' }, 16],
  ['a session each over HTTP', { url: 'http://127.0.0.1:1/mcp' }, 1024],
  ['a session each over HTTP+SSE', { url: 'http://127.0.0.1:1/sse', type: 'sse' }, 1024],
  ['a session each over WebSocket', { url: 'ws://127.0.0.1:1/mcp' }, 1024],
  ['as many as are configured', { url: 'http://127.0.0.1:1/mcp', isolation: { max: 2 } }, 2],
])('%s, and no more at once than there may be', async (_what, entry, max) => {
  const it = startIsolated(entry);
  const take = (id: string) => it.isolated.take(it.callOf(createSession(id).session), 1_000);
  const [first] = await Promise.all(Array.from({ length: max }, (_, index) => take(`s${index}`)));
  const late = take('one more').then(
    () => undefined,
    (error: Error) => error.message,
  );
  await Promise.resolve();
  expect(it.opened).toHaveLength(max);
  it.clock.advance(1_000);
  expect(await late).toContain(`all ${max} for single clients were in use for 1000 ms; raise "isolation.max"`);

  first!.release();
  await take('another');
  expect(it.opened).toHaveLength(max + 1);
  expect(it.isolated.size).toBe(max);
});
