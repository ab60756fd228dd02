import { describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { residentBytes } from '../e2e/support/process-tree.ts';
import { rpc, type RawSession } from '../e2e/support/raw-client.ts';
import { callTool, toolNames, untilState, upstreamOf, whileOthersAnswer } from './support/observe.ts';
import { BAD, BAD_ECHO, goodUpstream, startHttpUpstream } from './support/upstreams.ts';

// A misbehaving web server stands beside a good program in each test, and the good one must not notice.

const MIB = 1024 * 1024;
const UNDISTURBED_MS = 1_500;

function startBeside(url: string, entry: { readonly timeouts?: object; readonly retry?: object } = {}): Promise<RunningGateway> {
  const timeouts = { handshakeMs: 5_000, listMs: 5_000, callMs: 5_000, ...entry.timeouts };
  return startGateway({
    config: { mcpServers: { [BAD]: { url, restart: { backoffMs: 200 }, ...entry, timeouts }, good: goodUpstream() } },
  });
}

async function startReady(...args: Parameters<typeof startBeside>): Promise<RunningGateway> {
  const gateway = await startBeside(...args);
  await Promise.all([untilState(gateway, BAD, 'ready'), untilState(gateway, 'good', 'ready')]);
  return gateway;
}

function startBad(mode: string, ...args: string[]) {
  return startHttpUpstream(mode, '--prefix', 'bad_', ...args);
}

describe('a web server that cannot be opened', () => {
  test.each([
    ['hang-all', /^Cannot open upstream "bad": no useful answer to the handshake in 600 ms$/],
    ['error-500-all', /^Cannot reach upstream "bad": 127\.0\.0\.1:\d+ failed \(HTTP 500\)$/],
  ])('%s: the reason is shown, also to a caller, and the other upstream is there', async (mode, reason) => {
    await using server = await startBad(mode);
    await using gateway = await startBeside(server.url, { timeouts: { handshakeMs: 600 } });
    const { result: failed, slowestMs } = await whileOthersAnswer(gateway, () => untilState(gateway, BAD, 'failed'));
    expect(failed.reason).toMatch(reason);
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    const session = rpc(gateway.url).modern();
    expect(await toolNames(session)).toEqual(['echo', 'sleep', 'big', 'env', 'pids']);
    expect((await callTool(session, BAD_ECHO)).error).toMatchObject({ code: -32602, data: { unlisted: [BAD] } });
  });

  test('one that is not there is taken up once it is', async () => {
    const server = await startBad('good');
    await server.kill();
    await using gateway = await startBeside(server.url);
    const { reason } = await untilState(gateway, BAD, 'failed');
    expect(reason).toBe('Cannot reach upstream "bad": the connection was refused; nothing listens there');
    await using again = await startBad('good', '--port', String(server.port));
    await untilState(gateway, BAD, 'ready');
    expect((await callTool(rpc(gateway.url).modern(), BAD_ECHO)).text).toBe('hi');
    expect((await again.stats()).initializes).toBe(1);
  });
});

describe('a web server that answers calls badly', () => {
  test.each([
    ['hang', 'DEADLINE_EXCEEDED', /^Cannot complete "tools\/call" on upstream "bad": no answer in 600 ms$/],
    ['slow', 'DEADLINE_EXCEEDED', /^Cannot complete "tools\/call" on upstream "bad": no answer in 600 ms$/],
    ['error-500', 'UPSTREAM_UNAVAILABLE', /^Cannot reach upstream "bad": 127\.0\.0\.1:\d+ failed \(HTTP 500\)$/],
    ['wrong-type', 'UPSTREAM_PROTOCOL', /^Cannot understand upstream "bad": .+ answered with "text\/html" instead of JSON.+It works!/],
    ['bad-json', 'UPSTREAM_PROTOCOL', /^Cannot understand upstream "bad": .+ answered with something that is no answer to the request/],
    ['wrong-id', 'UPSTREAM_PROTOCOL', /^Cannot understand upstream "bad": .+ answered with something that is no answer to the request/],
    ['cut-body', 'UPSTREAM_UNAVAILABLE', /^Cannot reach upstream "bad": .*(closed|terminated|aborted|other side)/i],
    ['cut-stream', 'UPSTREAM_UNAVAILABLE', /^Cannot reach upstream "bad": .*(closed|terminated|aborted|other side)/i],
    ['empty-stream', 'UPSTREAM_UNAVAILABLE', /^Cannot reach upstream "bad": its stream ended without an answer$/],
  ])('%s: the caller gets %s in time, and the other upstream answers', async (mode, code, message) => {
    await using server = await startBad(mode);
    await using gateway = await startReady(server.url, { timeouts: { callMs: 600 } });
    const session = rpc(gateway.url).modern();
    const { result, slowestMs } = await whileOthersAnswer(gateway, () => callTool(session, BAD_ECHO));
    expect(result.error).toMatchObject({
      message: expect.stringMatching(message) as unknown,
      data: { reason: code, upstream: BAD, phase: 'call' },
    });
    expect(result.tookMs).toBeLessThan(UNDISTURBED_MS);
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    // The tool does not say that running it twice does no harm, so it was called once.
    expect((await server.stats()).calls).toBe(1);
    expect(await toolNames(session)).toContain(BAD_ECHO);
  });

  test('an event stream is as good an answer as JSON', async () => {
    await using server = await startBad('sse');
    await using gateway = await startReady(server.url);
    expect((await callTool(rpc(gateway.url).modern(), BAD_ECHO)).text).toBe('hi');
  });

  test('a result that exceeds the bound is broken off for the caller, too, and costs no memory', async () => {
    await using server = await startBad('huge');
    await using gateway = await startReady(server.url);
    const session = rpc(gateway.url).modern();
    const before = residentBytes(gateway.pid);
    let most = 0;
    for (let round = 0; round < 4; round++) {
      const broken = () => expect(callTool(session, BAD_ECHO)).rejects.toThrow('aborted');
      const { peakBytes } = await whileOthersAnswer(gateway, broken);
      most = Math.max(most, peakBytes);
    }
    expect(most - before).toBeLessThan(60 * MIB);
    expect(await upstreamOf(gateway, BAD)).toMatchObject({ calls: 4, failures: 4, inFlight: 0 });
  });
});

describe('a web server that comes back', () => {
  test('a lost session is replaced and the call that noticed succeeds', async () => {
    await using server = await startBad('session-lost');
    await using gateway = await startReady(server.url);
    const session = rpc(gateway.url).modern();
    expect((await callTool(session, BAD_ECHO)).text).toBe('hi');
    expect(await server.stats()).toMatchObject({ initializes: 2, calls: 2, sessions: 1 });
    expect(await upstreamOf(gateway, BAD)).toMatchObject({ state: 'ready', starts: 1, failures: 0 });
  });

  test('many calls that notice at once share one new session', async () => {
    await using server = await startBad('good');
    await using gateway = await startReady(server.url);
    const session = rpc(gateway.url).modern();
    expect((await callTool(session, BAD_ECHO)).text).toBe('hi');
    await server.kill();
    await using again = await startBad('good', '--port', String(server.port));
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => callTool(session, BAD_ECHO, { text: `text ${index}` })));
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, (_, index) => `text ${index}`));
    expect(await again.stats()).toMatchObject({ initializes: 1, sessions: 1 });
  });

  const clients: readonly (readonly [string, (url: string) => Promise<RawSession> | RawSession])[] = [
    ['handshake', (url) => rpc(url).handshake()],
    ['modern', (url) => rpc(url).modern()],
  ];
  test.each(clients.flatMap(([client, open]) => ['handshake', 'modern'].map((era) => [client, era, open] as const)))(
    'a %s client goes on with a restarted %s server at its next call, in the same session',
    async (_, era, open) => {
      await using server = await startBad('good', '--era', era);
      await using gateway = await startReady(server.url);
      const session = await open(gateway.url);
      expect((await callTool(session, BAD_ECHO)).text).toBe('hi');
      await server.kill();
      {
        await using again = await startBad('good', '--era', era, '--port', String(server.port));
        expect((await callTool(session, BAD_ECHO)).text).toBe('hi');
        await again.kill();
      }
      const { result: away, slowestMs } = await whileOthersAnswer(gateway, () => callTool(session, BAD_ECHO));
      expect(away.error).toMatchObject({
        message: 'Cannot reach upstream "bad": the connection was refused; nothing listens there',
        data: { reason: 'UPSTREAM_UNAVAILABLE', upstream: BAD, sent: false },
      });
      expect(away.tookMs).toBeLessThan(1_000);
      expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
      expect(await toolNames(session)).toContain(BAD_ECHO);
      await using back = await startBad('good', '--era', era, '--port', String(server.port));
      expect((await callTool(session, BAD_ECHO)).text).toBe('hi');
      expect((await back.stats()).requests).toBeGreaterThan(0);
      expect((await upstreamOf(gateway, 'good')).starts).toBe(1);
    },
  );
});
