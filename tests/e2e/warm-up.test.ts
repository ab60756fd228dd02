import { expect, test } from 'vitest';
import { askAdmin, readStatus } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { startGateway } from './support/gateway.ts';

const config = { mcpServers: {}, log: { level: 'debug' } };
const env = { SIGNALBOX_WARM_UP: undefined };

test('a gateway warms up by itself, and shows nothing of it', async () => {
  await using gateway = await startGateway({ config, env });
  await eventually('it is warm', () => (gateway.stderr().includes('"warmed up"') ? true : undefined));
  expect(await readStatus(gateway)).toMatchObject({ sessions: { open: 0, streams: 0 }, upstreams: [] });
  expect(await (await askAdmin(gateway.dataDir, '/calls')).json()).toEqual({ calls: [] });
});

test('a gateway that is ended while it warms up is gone at once', async () => {
  await using gateway = await startGateway({ config, env });
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  const begunAt = performance.now();
  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
  expect(performance.now() - begunAt).toBeLessThan(3_000);
});
