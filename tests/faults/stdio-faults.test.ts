import { describe, expect, test } from 'vitest';
import { startGateway, type RunningGateway } from '../e2e/support/gateway.ts';
import { isAlive, residentBytes } from '../e2e/support/process-tree.ts';
import { rpc } from '../e2e/support/raw-client.ts';
import { callTool, eventually, statusOf, toolNames, untilState, upstreamOf, whileOthersAnswer } from './support/observe.ts';
import { BAD, BAD_ECHO, goodUpstream, stdioUpstream } from './support/upstreams.ts';

// A misbehaving program stands beside a good one in each test, and the good one must not notice.

const MIB = 1024 * 1024;
/** No call to a good upstream may take this long, whatever its neighbour does. Generous, because machines stall. */
const UNDISTURBED_MS = 1_500;

function startBeside(mode: string, entry: { readonly timeouts?: object; readonly health?: object } = {}): Promise<RunningGateway> {
  const timeouts = { handshakeMs: 5_000, listMs: 5_000, callMs: 5_000, stopMs: 300, ...entry.timeouts };
  const bad = stdioUpstream(mode, { entry: { restart: { backoffMs: 200 }, ...entry, timeouts } });
  return startGateway({ config: { mcpServers: { [BAD]: bad, good: goodUpstream() } } });
}

async function startReady(...args: Parameters<typeof startBeside>): Promise<RunningGateway> {
  const gateway = await startBeside(...args);
  await Promise.all([untilState(gateway, BAD, 'ready'), untilState(gateway, 'good', 'ready')]);
  return gateway;
}

describe('a program that fails to start', () => {
  test.each([
    ['exit-at-once', {}, 'Cannot reach upstream "bad": the process exited with code 3 while "initialize" waited for its answer'],
    ['exit-after-handshake', {}, 'Cannot list "bad": the process exited with code 4 before tools/list was answered'],
    ['silent-initialize', { handshakeMs: 600 }, 'Cannot open upstream "bad": no useful answer to the handshake in 600 ms'],
    ['silent-list', { listMs: 600 }, 'Cannot list "bad": no answer to tools/list in 600 ms'],
    ['cursor-cycle', {}, 'Cannot list "bad": tools/list does not end: cursor "a" came twice'],
    ['endless-cursors', {}, 'Cannot list "bad": tools/list does not end: more than 1000 pages or 20000 entries'],
  ])('%s: the reason is shown, also to a caller, and the other upstream is there', async (mode, timeouts, reason) => {
    await using gateway = await startBeside(mode, { timeouts });
    const session = rpc(gateway.url).modern();
    const { result: failed, slowestMs } = await whileOthersAnswer(gateway, () => untilState(gateway, BAD, 'failed'));
    expect(failed.reason).toBe(reason);
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    expect(await toolNames(session)).toEqual(['echo', 'sleep', 'big', 'env', 'pids']);
    const { error } = await callTool(session, BAD_ECHO);
    expect(error).toMatchObject({ code: -32602, data: { unlisted: [BAD] } });
    expect(error!.message).toContain(`"bad" has not been listed yet (`);
    expect((await callTool(session, 'echo')).text).toBe('hi');
  });

  test('its last lines on stderr are kept, and it is started again and again', async () => {
    await using gateway = await startBeside('exit-at-once');
    const seen = await eventually(
      () => upstreamOf(gateway, BAD),
      ({ starts, state }) => starts >= 3 && state === 'failed',
    );
    expect(seen.stderr).toContain('fatal: cannot read the settings');
  });

  test('one that never answers the opening holds up nobody: the others are listed within 300 ms of asking', async () => {
    await using gateway = await startBeside('silent-initialize');
    const session = rpc(gateway.url).modern();
    await untilState(gateway, 'good', 'ready');
    const askedAt = performance.now();
    expect(await toolNames(session)).toContain('echo');
    expect(performance.now() - askedAt).toBeLessThan(300);
    expect((await upstreamOf(gateway, BAD)).state).toBe('starting');
  });
});

describe('a program that writes what it must not', () => {
  test.each(['good', 'garbage', 'answer-twice', 'unsolicited-ids'])('%s: each call gets its own answer, the first one', async (mode) => {
    await using gateway = await startReady(mode);
    const session = rpc(gateway.url).modern();
    const texts = Array.from({ length: 20 }, (_, index) => `text ${index}`);
    const answers = await Promise.all(texts.map((text) => callTool(session, BAD_ECHO, { text })));
    expect(answers.map(({ text }) => text)).toEqual(texts);
    expect((await callTool(session, 'echo')).text).toBe('hi');
    expect(await upstreamOf(gateway, BAD)).toMatchObject({ state: 'ready', starts: 1 });
    expect(gateway.stderr().includes('upstream misbehaves')).toBe(mode !== 'good');
  });

  test('an answer with a wrong id is none: the call ends with its budget', async () => {
    await using gateway = await startReady('wrong-id', { timeouts: { callMs: 600 } });
    const { result, slowestMs } = await whileOthersAnswer(gateway, () => callTool(rpc(gateway.url).modern(), BAD_ECHO));
    expect(result.error).toMatchObject({
      message: 'Cannot complete "tools/call" on upstream "bad": no answer in 600 ms',
      data: { reason: 'DEADLINE_EXCEEDED', upstream: BAD, phase: 'call', budgetMs: 600 },
    });
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    expect(gateway.stderr()).toContain('which was never made');
  });

  test('bytes that are no UTF-8 and a result nested a hundred thousand deep reach the caller as they are', async () => {
    await using invalid = await startReady('invalid-utf8');
    expect((await callTool(rpc(invalid.url).modern(), BAD_ECHO)).text).toContain('\u{FFFD}(');
    await using deep = await startReady('deep-result');
    const { body } = await rpc(deep.url)
      .modern()
      .exchange('tools/call', { name: BAD_ECHO, arguments: { text: 'hi' } });
    expect(body.split('{"a":')).toHaveLength(100_001);
    expect((await callTool(rpc(deep.url).modern(), 'echo')).text).toBe('hi');
  });

  test('a flood on stdout is swallowed and the answer behind it arrives', async () => {
    await using gateway = await startReady('flood-stdout', { timeouts: { callMs: 20_000 } });
    const before = residentBytes(gateway.pid);
    const { result, peakBytes, slowestMs } = await whileOthersAnswer(gateway, () => callTool(rpc(gateway.url).modern(), BAD_ECHO));
    expect(result.text).toBe('hi');
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    expect(peakBytes - before).toBeLessThan(100 * MIB);
  });

  test('a flood on stderr slows its writer and nobody else', async () => {
    await using gateway = await startReady('flood-stderr', { timeouts: { callMs: 1_000 } });
    const before = residentBytes(gateway.pid);
    const { result, peakBytes, slowestMs } = await whileOthersAnswer(gateway, () => callTool(rpc(gateway.url).modern(), BAD_ECHO));
    expect(result.error?.data).toMatchObject({ upstream: BAD, phase: 'call', budgetMs: 1_000 });
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    expect(peakBytes - before).toBeLessThan(100 * MIB);
    // A hundred lines and the one that is not finished.
    expect((await upstreamOf(gateway, BAD)).stderr.length).toBeLessThanOrEqual(101);
  });

  test('a line of 100 MB ends its program, and memory does not grow with the number of such lines', async () => {
    await using gateway = await startReady('huge-line', { timeouts: { callMs: 20_000 } });
    const session = rpc(gateway.url).modern();
    const before = residentBytes(gateway.pid);
    let most = 0;
    for (let round = 0; round < 4; round++) {
      const { result, peakBytes } = await whileOthersAnswer(gateway, () => callTool(session, BAD_ECHO));
      expect(result.error).toMatchObject({
        message: expect.stringContaining('it sent a message of more than 67108864 bytes') as unknown,
        data: { upstream: BAD, phase: 'call' },
      });
      most = Math.max(most, peakBytes);
    }
    expect(most - before).toBeLessThan(250 * MIB);
    const settled = async () => {
      for (let call = 0; call < 50; call++) await callTool(session, 'echo');
      return residentBytes(gateway.pid);
    };
    await eventually(settled, (bytes) => bytes - before < 150 * MIB, 20_000);
  });
});

describe('a program that fails while it works', () => {
  test('a crash is told with the lines on stderr, and the next call finds it running again', async () => {
    await using gateway = await startReady('crash-on-call');
    const session = rpc(gateway.url).modern();
    for (let starts = 1; starts <= 3; starts++) {
      const { result, slowestMs } = await whileOthersAnswer(gateway, () => callTool(session, BAD_ECHO));
      expect(result.error).toMatchObject({
        message: 'Cannot reach upstream "bad": the process exited with code 5',
        data: { upstream: BAD, phase: 'call', sent: true, stderr: ['panic: the tool took the process with it'] },
      });
      expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
      expect((await upstreamOf(gateway, BAD)).starts).toBeGreaterThanOrEqual(starts);
    }
  });

  test('of one that crashes with every other call every other call succeeds', async () => {
    await using gateway = await startReady('flaky');
    const session = rpc(gateway.url).modern();
    const outcomes: (string | undefined)[] = [];
    for (let call = 0; call < 6; call++) outcomes.push((await callTool(session, BAD_ECHO)).text);
    expect(outcomes).toEqual(['hi', undefined, 'hi', undefined, 'hi', undefined]);
  });

  test('one that never answers costs its callers their budget, then nothing: the breaker opens', async () => {
    await using gateway = await startReady('silent-call', { timeouts: { callMs: 400 } });
    const session = rpc(gateway.url).modern();
    const { result, slowestMs } = await whileOthersAnswer(gateway, () =>
      Promise.all([1, 2, 3, 4, 5].map(() => callTool(session, BAD_ECHO))),
    );
    for (const { error, tookMs } of result) {
      expect(error?.data).toMatchObject({ reason: 'DEADLINE_EXCEEDED', upstream: BAD, phase: 'call', budgetMs: 400 });
      expect(tookMs).toBeLessThan(UNDISTURBED_MS);
    }
    expect(slowestMs).toBeLessThan(UNDISTURBED_MS);
    const refused = await callTool(session, BAD_ECHO);
    expect(refused.error).toMatchObject({ data: { upstream: BAD, phase: 'breaker', sent: false } });
    expect(refused.tookMs).toBeLessThan(200);
  });

  test('one that no longer answers pings is restarted', async () => {
    await using gateway = await startBeside('silent-ping', { health: { intervalMs: 200, timeoutMs: 200, failures: 2 } });
    const first = await untilState(gateway, BAD, 'ready', 'degraded');
    await untilState(gateway, BAD, 'degraded');
    const second = await eventually(
      () => upstreamOf(gateway, BAD),
      ({ starts, state }) => starts >= 2 && state === 'ready',
    );
    expect(isAlive(first.pid!)).toBe(false);
    expect(second.pid).not.toBe(first.pid);
    expect((await callTool(rpc(gateway.url).modern(), BAD_ECHO)).text).toBe('hi');
    expect((await upstreamOf(gateway, 'good')).starts).toBe(1);
  });

  test('one whose list changes: clients hear of it and see the new tools', async () => {
    await using gateway = await startReady('changing-list');
    const session = await rpc(gateway.url).handshake();
    expect(await toolNames(session)).toContain('added_1');
    await using stream = await openStream(gateway.url, session.sessionId!);
    await callTool(session, BAD_ECHO);
    await stream.until('notifications/tools/list_changed');
    expect(await toolNames(session)).toEqual(expect.arrayContaining(['added_1', 'added_2']));
    expect((await statusOf(gateway)).sessions).toEqual({ open: 1, streams: 1 });
  });
});

async function openStream(url: string, sessionId: string) {
  const leave = new AbortController();
  const response = await fetch(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': sessionId }, signal: leave.signal });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  return {
    /** Reads until the text has come; the test's own limit bounds the wait. */
    async until(text: string): Promise<void> {
      let heard = '';
      while (!heard.includes(text)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`The stream ended without "${text}": ${heard}`);
        heard += value;
      }
    },
    [Symbol.asyncDispose]: async () => {
      leave.abort();
      await Promise.allSettled([reader.closed]);
    },
  };
}
