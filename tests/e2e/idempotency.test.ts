import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from './support/gateway.ts';
import { OFFICIAL_CLIENTS, openOfficialClient } from './support/official-clients.ts';
import { rpc } from './support/raw-client.ts';

const SERVER = path.resolve(import.meta.dirname, '../faults/servers/ledger-server.mjs');
const KEY = 'signalbox.dev/idempotencyKey';
const REPLAYED = { 'signalbox.dev/replayed': true };

let folder: string;
let gateway: RunningGateway;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'signalbox-ledger-'));
  const ledger = { command: process.execPath, args: [SERVER, '--ledger', path.join(folder, 'ledger'), '--hold', '100'] };
  gateway = await startGateway({ config: { mcpServers: { ledger } } });
});
afterAll(async () => {
  await gateway.stop();
  await rm(folder, { recursive: true, force: true });
});

async function payments(id: string): Promise<number> {
  const ledger = await readFile(path.join(folder, 'ledger'), 'utf8');
  return ledger.split('\n').filter((line) => line === `pay ${id}`).length;
}

describe.each(OFFICIAL_CLIENTS)('the official client "%s" that sends a call twice', (kind) => {
  test('with a key has it run once, also from another connection, and without one twice', async () => {
    const id = kind.replace(' ', '-');
    const meta = { [KEY]: `key-${id}` };
    await using client = await openOfficialClient(kind, gateway.url);
    await using other = await openOfficialClient(kind, gateway.url);
    const [first, joined] = await Promise.all([client.call('pay', { id }, undefined, meta), other.call('pay', { id }, undefined, meta)]);
    expect([first.text, joined.text]).toEqual([`pay ${id}`, `pay ${id}`]);
    const again = await other.call('pay', { id }, undefined, meta);
    expect(again).toMatchObject({ text: `pay ${id}`, meta: REPLAYED });
    expect(first.meta).not.toMatchObject(REPLAYED);
    expect(await payments(id)).toBe(1);

    await expect(client.call('pay', { id: 'other' }, undefined, meta)).rejects.toThrow('another tool or with other arguments');
    await client.call('pay', { id: `${id}-plain` });
    await client.call('pay', { id: `${id}-plain` });
    expect(await payments(`${id}-plain`)).toBe(2);
  });

  test('may give the key in the header of the draft', async () => {
    const id = `${kind.replace(' ', '-')}-header`;
    await using client = await openOfficialClient(kind, gateway.url, { 'Idempotency-Key': `"${id}"` });
    await client.call('pay', { id });
    expect((await client.call('pay', { id })).meta).toMatchObject(REPLAYED);
    expect(await payments(id)).toBe(1);
  });
});

test('a client whose connection breaks finds the outcome with its key, in either revision', async () => {
  const sessions = [rpc(gateway.url).modern(), await rpc(gateway.url).handshake()];
  for (const [index, session] of sessions.entries()) {
    const id = `broken-${index}`;
    const call = { name: 'pay', arguments: { id }, _meta: { [KEY]: id } };
    const controller = new AbortController();
    const broken = session.request('tools/call', call, { signal: controller.signal }).catch(() => 'broken');
    await expect.poll(() => payments(id)).toBe(1);
    controller.abort();
    expect(await broken).toBe('broken');
    const { result } = await session.request('tools/call', call);
    expect(result).toMatchObject({ content: [{ type: 'text', text: `pay ${id}` }] });
    expect(await payments(id)).toBe(1);
  }
});
