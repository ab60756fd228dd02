import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
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
import { createAudit } from '../../packages/security/src/index.ts';
import { createMemoryStore } from '../../packages/storage/src/index.ts';
import { eventually } from '../e2e/support/eventually.ts';
import { openFileStore } from './servers/file-store.mjs';
import { META_SERVER, callMeta, openMetaClient } from './support/gateway.ts';

const DURABLE_GATEWAY = fileURLToPath(new URL('servers/durable-gateway.mjs', import.meta.url));

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
  const { entries } = await audit.list({ limit: 100 });
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
  expect(await audit.verify()).toMatchObject({ isSound: true, chains: [{ last: 3 }] });
  await gateway.close(0);
});

test('whatever a killed gateway has answered is in its audit, and the chain goes on', async () => {
  await using place = await writeFolder({ durable: true });
  const storeFile = path.join(place.folder, 'store.jsonl');
  const answered = new Set<string>();
  for (let kill = 0; kill < 4; kill++) {
    const child = spawn(process.execPath, [DURABLE_GATEWAY, place.configPath, place.dataDir, storeFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    const [url] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const client = await openMetaClient(url.trim());
    // Each call is known by the name its client gives itself.
    const lanes = Array.from({ length: 8 }, async (_, lane) => {
      for (let count = 0; child.signalCode === null; count++) {
        const key = `${kill}-${lane}-${count}`;
        const meta = { 'io.modelcontextprotocol/clientInfo': { name: key, version: '1' } };
        await callMeta(client, meta).then(
          () => answered.add(key),
          () => undefined,
        );
      }
    });
    const enough = answered.size + 25 + Math.floor(60 * Math.random());
    await eventually('some calls are answered', () => (answered.size >= enough ? true : undefined), { everyMs: 1 });
    child.kill('SIGKILL');
    await exited;
    await Promise.all(lanes);
  }
  const store = await openFileStore(storeFile);
  const audit = readAudit(store);
  expect(await audit.verify()).toMatchObject({ isSound: true, chains: [{ first: 1 }] });
  const { entries } = await audit.list({ limit: 100_000 });
  const kept = new Set(entries.map(({ record }) => (record as CallRecord).client));
  expect(answered.size).toBeGreaterThanOrEqual(100);
  expect([...answered].filter((key) => !kept.has(key))).toEqual([]);
});
