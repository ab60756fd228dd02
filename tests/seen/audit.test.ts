import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createGateway } from '../../apps/gateway/src/compose.ts';
import {
  GatewayError,
  parseGatewayConfig,
  silentLogger,
  systemClock,
  type Record as CallRecord,
  type Store,
} from '../../packages/core/src/index.ts';
import { createAudit, type AuditPage, type AuditVerdict } from '../../packages/security/src/index.ts';
import { createMemoryStore } from '../../packages/storage/src/index.ts';
import { askAdmin } from '../e2e/support/admin.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { startGateway } from '../e2e/support/gateway.ts';
import { META_SERVER, callMeta, openMetaClient } from './support/gateway.ts';

async function writeFolder(audit: object) {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-audit-'));
  const configPath = path.join(folder, 'signalbox.json');
  await writeFile(configPath, JSON.stringify({ mcpServers: { meta: META_SERVER }, audit }));
  return {
    folder,
    configPath,
    dataDir: path.join(folder, 'data'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Reads what others have written, under a name of its own. */
function readAudit(store: Store) {
  const { audit: config } = parseGatewayConfig({});
  return createAudit({ store, writer: { instance: 'reader', slot: 0 }, config, clock: systemClock, logger: silentLogger });
}

test('every call of a gateway is in its audit, without what it was about, and the chain verifies', async () => {
  await using place = await writeFolder({ durable: true });
  const store = createMemoryStore();
  // It outlives its gateway here.
  const openStore = async () => ({ ...store, close: async () => undefined });
  const start = async () => {
    const gateway = await createGateway({ ...place, environment: {}, logger: silentLogger, port: 0, openStore });
    return { gateway, client: await openMetaClient((await gateway.listen()).url) };
  };
  const first = await start();
  for (let count = 0; count < 20; count++) await callMeta(first.client, { secret: 'hunter2' });
  await first.client.request('tools/call', { name: 'nowhere', arguments: { secret: 'hunter2' } });
  await first.gateway.close(0);
  const second = await start();
  await callMeta(second.client);
  await second.gateway.close(0);
  const audit = readAudit(store);
  const { isSound, chains } = await audit.verify();
  expect(isSound).toBe(true);
  expect(chains).toHaveLength(1);
  const changes = await audit.list({ limit: 100, kind: 'change' });
  expect(changes.entries.map(({ record }) => record)).toMatchObject([{ by: 'file', action: 'config.reload', reason: 'start' }]);
  const { entries } = await audit.list({ limit: 100, kind: 'call' });
  expect(entries).toHaveLength(22);
  expect(entries[0]).toMatchObject({
    kind: 'call',
    record: { name: 'meta', upstream: 'meta', status: 'ok', principal: 'local', client: 'raw-client' },
  });
  expect(entries[1]).toMatchObject({ record: { name: 'nowhere', status: 'gateway-error', error: 'UNKNOWN_NAME' } });
  expect(JSON.stringify(entries)).not.toContain('hunter2');
});

test('a gateway whose audit is required takes no calls and says so while its store is away, and goes on by itself', async () => {
  await using place = await writeFolder({ required: true, durable: true });
  const kept = createMemoryStore();
  let isAway = false;
  const store: Store = {
    ...kept,
    commit: (operations) => (isAway ? Promise.reject(new GatewayError('STORE_UNAVAILABLE', 'the disk is full')) : kept.commit(operations)),
  };
  const gateway = await createGateway({ ...place, environment: {}, logger: silentLogger, port: 0, openStore: async () => store });
  const { url } = await gateway.listen();
  const client = await openMetaClient(url);
  const ready = async () => {
    const response = await fetch(new URL('/readyz', url));
    return [response.status, await response.text()];
  };
  await callMeta(client);
  expect(await ready()).toEqual([200, '{"status":"ok"}']);
  isAway = true;
  await expect(callMeta(client)).rejects.toThrow('Cannot keep the record in the audit: the disk is full');
  const { error } = await client.request('tools/call', { name: 'meta', arguments: {} });
  expect(error).toMatchObject({
    message: expect.stringContaining('Cannot make calls while their records cannot be kept'),
    data: { reason: 'AUDIT_UNAVAILABLE' },
  });
  expect(await ready()).toEqual([503, '{"status":"unavailable","reasons":["audit unavailable"]}']);
  isAway = false;
  await eventually('the gateway is ready again', async () => ((await ready())[0] === 200 ? true : undefined));
  await callMeta(client);
  const audit = readAudit(kept);
  // The configuration it began with, the call before, the one whose caller was refused, and the one after.
  expect(await audit.verify()).toMatchObject({ isSound: true, chains: [{ last: 4 }] });
  await gateway.close(0);
});

test('whatever a killed gateway has answered is in its audit, and the chain goes on', async () => {
  await using place = await writeFolder({});
  const config = { mcpServers: { meta: META_SERVER }, audit: { durable: true } };
  const { dataDir } = place;
  const answered = new Set<string>();
  for (let kill = 0; kill < 4; kill++) {
    const gateway = await startGateway({ config, dataDir });
    const client = await openMetaClient(gateway.url);
    let isOver = false;
    // Each call is known by the name its client gives itself.
    const call = async (key: string): Promise<void> => {
      await callMeta(client, { 'io.modelcontextprotocol/clientInfo': { name: key, version: '1' } });
      answered.add(key);
    };
    const lanes = Array.from({ length: 8 }, async (_, lane) => {
      for (let count = 0; ; count++) {
        const isAnswered = await call(`${kill}-${lane}-${count}`).then(
          () => true,
          () => false,
        );
        if (!isAnswered && isOver) return;
      }
    });
    const enough = answered.size + 25 + Math.floor(60 * Math.random());
    await eventually('some calls are answered', () => (answered.size >= enough ? true : undefined), { everyMs: 1 });
    const stopped = gateway.stop('SIGKILL');
    isOver = true;
    await Promise.all([stopped, ...lanes]);
  }
  await using gateway = await startGateway({ config, dataDir });
  await openMetaClient(gateway.url);
  const verdict = (await (await askAdmin(dataDir, '/audit/verify')).json()) as AuditVerdict;
  expect(verdict).toMatchObject({ isSound: true, chains: [{ first: 1, lost: 0 }] });
  const kept = new Set<string | undefined>();
  let cursor = '';
  do {
    const page = (await (await askAdmin(dataDir, `/audit?limit=200&kind=call${cursor}`)).json()) as AuditPage;
    for (const { record } of page.entries) kept.add((record as CallRecord).client);
    cursor = page.next ? `&cursor=${page.next}` : '';
  } while (cursor !== '');
  expect(answered.size).toBeGreaterThanOrEqual(100);
  expect([...answered].filter((key) => !kept.has(key))).toEqual([]);
});
