import { request, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { residentBytes } from '../e2e/support/process-tree.ts';
import { rpc } from '../e2e/support/raw-client.ts';
import { callTool, eventually, untilState, upstreamOf } from './support/observe.ts';
import { BAD, BAD_ECHO, goodUpstream, startHttpUpstream } from './support/upstreams.ts';

// Results that are too large to be held, and clients that take their time to read them.

const MIB = 1024 * 1024;
const HUGE_MIB = 200;

async function startReady(url: string, entry: object = {}): Promise<RunningGateway> {
  const gateway = await startGateway({
    config: { limits: { maxResultBytes: 2 * HUGE_MIB * MIB }, mcpServers: { [BAD]: { url, ...entry }, good: goodUpstream() } },
  });
  await Promise.all([untilState(gateway, BAD, 'ready'), untilState(gateway, 'good', 'ready')]);
  return gateway;
}

/** Calls the tool and gives the open answer, of which nothing is read until somebody reads it. */
function openCall(url: string, era: 'handshake' | 'modern'): Promise<IncomingMessage> {
  const params = { name: BAD_ECHO, arguments: { text: 'x' } };
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': BAD_ECHO };
  const open = (own: Readonly<Record<string, string>>, body: object) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...own };
      const sent = request(url, { method: 'POST', agent: false, headers: all }, resolve);
      sent.on('error', reject);
      sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...params, ...body } }));
    });
  if (era === 'modern') return open(headers, { _meta: meta });
  return rpc(url)
    .handshake()
    .then(({ sessionId }) => open({ 'mcp-session-id': sessionId! }, {}));
}

const pause = (ms: number) =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

test.each(['handshake', 'modern'] as const)('a %s client that reads 200 MiB slowly costs the gateway next to no memory', async (era) => {
  await using server = await startHttpUpstream('huge', '--prefix', 'bad_', '--huge', String(HUGE_MIB), '--era', 'both');
  await using gateway = await startReady(server.url);
  const session = rpc(gateway.url).modern();
  for (let call = 0; call < 200; call++) await callTool(session, 'echo');
  const before = residentBytes(gateway.pid);
  const answer = await openCall(gateway.url, era);
  expect(answer.statusCode).toBe(200);
  const seen = { bytes: 0, most: 0, slowMs: 0 };
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    const passed = Math.floor(seen.bytes / (4 * MIB));
    seen.bytes += chunk.length;
    if (Math.floor(seen.bytes / (4 * MIB)) === passed) continue;
    await pause(seen.bytes < 100 * MIB ? 60 : 5);
    seen.most = Math.max(seen.most, residentBytes(gateway.pid));
    if (seen.bytes < 100 * MIB) seen.slowMs = Math.max(seen.slowMs, (await callTool(session, 'echo')).tookMs);
  }
  expect(answer.complete).toBe(true);
  expect(seen.bytes).toBeGreaterThan(HUGE_MIB * MIB);
  expect(seen.most - before).toBeLessThan(32 * MIB);
  // Whoever calls something else meanwhile is answered.
  expect(seen.slowMs).toBeLessThan(1_500);
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ calls, failures, inFlight }) => calls === 1 && failures === 0 && inFlight === 0,
  );
});

test('a result that still flows keeps its slot, and a client that leaves gives it back', async () => {
  await using server = await startHttpUpstream('huge', '--prefix', 'bad_', '--huge', String(HUGE_MIB));
  await using gateway = await startReady(server.url, { maxConcurrent: 1, maxQueued: 1 });
  const first = await openCall(gateway.url, 'modern');
  first.on('error', () => undefined);
  const second = openCall(gateway.url, 'handshake');
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight, queued }) => inFlight === 1 && queued === 1,
  );
  first.destroy();
  const answer = await second;
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight, queued }) => inFlight === 1 && queued === 0,
  );
  answer.on('error', () => undefined).destroy();
  const left = await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight }) => inFlight === 0,
  );
  expect(left).toMatchObject({ queued: 0, failures: 0, breaker: 'closed' });
});

test('a result that breaks off breaks off for the client, too', async () => {
  await using server = await startHttpUpstream('cut-result', '--prefix', 'bad_');
  await using gateway = await startReady(server.url, { retry: { attempts: 3, backoffMs: 1 } });
  for (const era of ['handshake', 'modern'] as const) {
    const answer = await openCall(gateway.url, era);
    let bytes = 0;
    answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
    answer.on('error', () => undefined);
    await new Promise((resolve) => {
      answer.on('close', resolve);
    });
    expect([answer.statusCode, answer.complete]).toEqual([200, false]);
    expect(bytes).toBeLessThan(MIB);
  }
  expect((await server.stats()).calls).toBe(2);
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ failures, inFlight }) => failures === 2 && inFlight === 0,
  );
});
