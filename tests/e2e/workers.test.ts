import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { Agent, request as sendRequest, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ANSWERING_CLIENTS, openAnsweringClient } from './support/answering-clients.ts';
import { askAdmin, readStatus } from './support/admin.ts';
import { eventually } from './support/eventually.ts';
import { PROGRAM } from './support/gateway.ts';
import { isAlive, processTree, processesWith } from './support/process-tree.ts';
import { openEventStream, openListening, type EventStream } from './support/event-stream.ts';
import { rpc, type RawSession } from './support/raw-client.ts';
import { startSpreadingProxy } from './support/spreading-proxy.ts';
import { FIXTURE, notingServer, startWorkers, untilAllServe, type RunningWorkers } from './support/workers.ts';

const TIMES = 12;
const LIST_CHANGED = 'notifications/tools/list_changed';
const many = <T>(make: (index: number) => T): T[] => Array.from({ length: TIMES }, (_, index) => make(index));

async function textOf(session: RawSession, name: string, args: object = {}, options: Parameters<RawSession['request']>[2] = {}) {
  const { result, error } = await session.request('tools/call', { name, arguments: args }, options);
  if (error !== undefined) throw new Error(error.message);
  return (result!['content'] as { text: string }[])[0]!.text;
}

// The client takes the WebSocket of the platform, which this version of Node does not have.
beforeAll(() => void vi.stubGlobal('WebSocket', WebSocket));
afterAll(() => void vi.unstubAllGlobals());

/** Calls a tool over a connection that others use, too. */
async function postOver(
  agent: Agent,
  url: string,
  { session, isChunked = false, name = 'who', args = {} }: { session: RawSession; isChunked?: boolean; name?: string; args?: object },
): Promise<string> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name, arguments: args } });
  const headers = {
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'mcp-session-id': session.sessionId,
    ...(!isChunked && { 'content-length': Buffer.byteLength(body) }),
  };
  const request = sendRequest(url, { agent, method: 'POST', headers });
  request.write(body);
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const answer = await text(response);
  const json = answer.startsWith('{') ? answer : /^data: (.*)$/m.exec(answer)![1]!;
  return (JSON.parse(json) as { result: { content: { text: string }[] } }).result.content[0]!.text;
}

/** A client over WebSocket, with all that it has been notified of. */
async function openWebSocketClient(url: string) {
  const sdk = new Client({ name: 'e2e', version: '1' });
  const heard: { readonly method: string; readonly params?: unknown }[] = [];
  sdk.fallbackNotificationHandler = async (notification) => void heard.push(notification);
  await sdk.connect(new WebSocketClientTransport(new URL(url.replace(/^http/, 'ws'))) as Parameters<Client['connect']>[0]);
  const who = async () => ((await sdk.callTool({ name: 'who' })).content as { text: string }[])[0]!.text;
  return { sdk, heard: heard as readonly { readonly method: string; readonly params?: unknown }[], who };
}

describe('several workers on one port', { timeout: 60_000 }, () => {
  let gateway: RunningWorkers;
  let proxy: Awaited<ReturnType<typeof startSpreadingProxy>>;

  beforeAll(async () => {
    gateway = await startWorkers({ mcpServers: { noting: notingServer('noting'), fixture: FIXTURE } });
    proxy = await startSpreadingProxy(gateway.url);
  }, 90_000);

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
    await gateway?.stop();
  });

  test('each takes new sessions, and a session stays in one, whichever its requests land in', async () => {
    const sessions = await Promise.all(many(() => rpc(gateway.url).handshake()));
    const answers = await Promise.all(sessions.map((session) => Promise.all(many(() => textOf(session, 'who')))));

    for (const each of answers) expect(new Set(each).size).toBe(1);
    expect(new Set(answers.flat()).size).toBe(3);
  });

  test('requests without a session are served where they land', async () => {
    const answers = await Promise.all(many(() => textOf(rpc(gateway.url).modern(), 'who')));
    expect(new Set(answers).size).toBe(3);
  });

  test.each(ANSWERING_CLIENTS)('servers ask the official %s, whichever worker its requests land in', async (kind) => {
    await Promise.all(
      Array.from({ length: 4 }, async (_, index) => {
        const who = `caller-${index}`;
        await using client = await openAnsweringClient(kind, proxy.url, who);
        const [sampled, entered, both, roots] = await Promise.all([
          client.call('test_sampling', { prompt: 'Who?' }),
          client.call('test_elicitation', { message: 'Who are you?' }),
          client.call('test_input_required_result_multiple_inputs'),
          client.call('test_input_required_result_list_roots'),
        ]);
        expect(sampled).toBe(`LLM response: ${who} on true`);
        expect(entered).toContain(`${who}'s username`);
        expect(both).toBe(`${who} on true ${who}'s name`);
        expect(roots).toBe(`Roots: file:///of/${who}`);
        expect(await client.call('test_input_required_result_multi_round')).toContain(`${who}'s`);
      }),
    );
  });

  test('a cancellation finds its call', async () => {
    const session = await rpc(gateway.url).handshake();
    const before = Number(await textOf(session, 'cancelled'));
    const calls = [1000, 1001, 1002, 1003].map((id) => {
      const body = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'wait', arguments: { ms: 30_000 } } };
      const headers = { 'mcp-session-id': session.sessionId!, 'mcp-protocol-version': '2025-11-25' };
      return { id, done: rpc(gateway.url).send(body, { headers }) };
    });
    await eventually('the calls are under way', async () => {
      const { upstreams } = await readStatus(gateway);
      return upstreams.find(({ name }) => name === 'noting')!.inFlight >= 4 || undefined;
    });
    for (const { id } of calls) await session.notify('notifications/cancelled', { requestId: id });
    await Promise.all(calls.map(({ done }) => done));

    expect(Number(await textOf(session, 'cancelled'))).toBe(before + 4);
  });

  test('closing a connection cancels the call of a modern client', async () => {
    const session = rpc(gateway.url).modern();
    const stop = new AbortController();
    const call = session.exchange('tools/call', { name: 'wait', arguments: { ms: 30_000 } }, { signal: stop.signal });
    const inFlight = async () => (await readStatus(gateway)).upstreams.find(({ name }) => name === 'noting')!.inFlight;
    await eventually('the call is under way', async () => ((await inFlight()) > 0 ? true : undefined));
    stop.abort();
    await expect(call).rejects.toThrow('aborted');
    await eventually('the call is gone', async () => ((await inFlight()) === 0 ? true : undefined));
  });

  test('subscriptions, log level and streams are those of the session', async () => {
    const session = await rpc(gateway.url).handshake();
    await using stream = await openEventStream(gateway.url, session.sessionId!);
    await session.request('resources/subscribe', { uri: 'note://noting' });
    for (const _ of [1, 2, 3, 4]) await textOf(session, 'touch');
    await eventually('all updates were heard', () => (stream.heard('notifications/resources/updated').length >= 4 ? true : undefined));

    await session.request('logging/setLevel', { level: 'error' });
    for (const _ of [1, 2, 3]) {
      const { messages } = await session.exchange('tools/call', { name: 'log', arguments: {} });
      const levels = messages.filter(({ method }) => method === 'notifications/message').map(({ params }) => params!['level']);
      expect(levels).toEqual(['error']);
    }
  });

  test('a stream that broke off goes on wherever its client comes back', async () => {
    const session = await rpc(gateway.url).handshake();
    let last: string;
    {
      await using stream = await openEventStream(gateway.url, session.sessionId!);
      await session.request('resources/subscribe', { uri: 'note://noting' });
      await textOf(session, 'touch');
      last = await eventually('an event has come', () => stream.events.find(({ data }) => data.includes('updated'))?.id);
    }
    await textOf(session, 'touch');
    for (const _ of [1, 2, 3]) {
      await using again = await openEventStream(gateway.url, session.sessionId!, last);
      const missed = await eventually('what was missed is sent', () => again.heard('notifications/resources/updated').at(0));
      expect(missed).toMatchObject({ data: expect.stringContaining('note://noting') as unknown });
    }
  });

  test('one connection may carry requests of many sessions, also such as only Node can read', async () => {
    const sessions = await Promise.all(many(() => rpc(gateway.url).handshake()));
    const homes = await Promise.all(sessions.map((session) => textOf(session, 'who')));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (const isChunked of [false, true]) {
      for (const round of [1, 2, 3]) {
        const answers = [];
        for (const session of sessions) answers.push(await postOver(agent, gateway.url, { session, isChunked }));
        expect(answers, `round ${round}`).toEqual(homes);
      }
    }
    agent.destroy();
  });

  test('a large result arrives whole from wherever it is made', async () => {
    const session = await rpc(gateway.url).handshake();
    const long = 'x'.repeat(2_000_000);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const others = await Promise.all(many(() => rpc(gateway.url).handshake()));
    // A connection that has been everywhere stays where it is, and what it carries is relayed.
    for (const other of others) await postOver(agent, gateway.url, { session: other });
    for (const each of [session, ...others])
      expect(await postOver(agent, gateway.url, { session: each, name: 'repeat', args: { text: long } })).toBe(long);
    agent.destroy();
  });

  test('a client of the older transport is served, whichever worker its messages land in', async () => {
    const { host } = new URL(proxy.url);
    const client = new Client({ name: 'e2e', version: '1' });
    await client.connect(new SSEClientTransport(new URL(`http://${host}/sse`)) as Parameters<Client['connect']>[0]);
    const answers = await Promise.all(many(() => client.callTool({ name: 'who' })));
    expect(new Set(answers.map(({ content }) => JSON.stringify(content))).size).toBe(1);
    await client.close();
  });

  test('clients over WebSocket are served, each by the worker that took its connection', async () => {
    const countOpen = async () => (await readStatus(gateway)).sessions.open;
    // Counts are half a second old at times, also those that earlier tests changed.
    const open = await eventually('the count of sessions stands still', async () => {
      const count = await countOpen();
      await sleep(1_000);
      return count === (await countOpen()) ? count : undefined;
    });
    const clients = await Promise.all(many(() => openWebSocketClient(gateway.url)));
    const answers = await Promise.all(clients.map(async (client) => [await client.who(), await client.who()]));
    for (const [first, second] of answers) expect(second).toBe(first);
    expect(new Set(answers.flat()).size).toBe(3);

    for (const client of clients) {
      await client.sdk.setLoggingLevel('error');
      await client.sdk.callTool({ name: 'log' });
      expect(client.heard).toEqual([
        expect.objectContaining({ method: 'notifications/message', params: expect.objectContaining({ level: 'error' }) }),
      ]);
    }
    await eventually('all are counted', async () => (await countOpen()) === open + TIMES || undefined);
    for (const client of clients) await client.sdk.close();
    await eventually('all are gone', async () => (await countOpen()) === open || undefined);
  });

  test('a session that was ended is gone everywhere', async () => {
    const session = await rpc(gateway.url).handshake();
    await session.close();
    const statuses = await Promise.all(many(async () => (await session.exchange('tools/list')).status));
    expect(new Set(statuses)).toEqual(new Set([404]));
  });

  test('a call with a key runs once, wherever it is sent again', async () => {
    const session = rpc(gateway.url).modern();
    const answers = await Promise.all(many(() => textOf(session, 'run', {}, { headers: { 'idempotency-key': 'once-and-only' } })));
    expect(new Set(answers).size).toBe(1);
  });

  test('the admin API tells the sums and its commands reach all', async () => {
    await Promise.all(many(() => textOf(rpc(gateway.url).modern(), 'who')));
    const before = await readStatus(gateway);
    await Promise.all(many(() => textOf(rpc(gateway.url).modern(), 'who')));
    const calls = ({ upstreams }: typeof before) => upstreams.find(({ name }) => name === 'noting')!.calls;
    expect(before.pid).toBe(gateway.pid);
    await eventually('all calls are counted', async () => (calls(await readStatus(gateway)) >= calls(before) + TIMES ? true : undefined));

    const servers = () =>
      processTree(gateway.pid)
        .filter(({ command }) => command.includes('--name noting'))
        .map(({ pid }) => pid);
    const old = servers();
    expect(old).toHaveLength(3);
    expect((await askAdmin(gateway.dataDir, '/upstreams/noting/restart', 'POST')).status).toBe(202);
    await eventually('all servers were started anew', () => {
      const present = servers();
      return (present.length === 3 && present.every((pid) => !old.includes(pid))) || undefined;
    });
  });
});

test('names are the same in all workers, and stay so when upstreams come and go', { timeout: 120_000 }, async () => {
  const servers = { one: notingServer('one', '--delay', '400'), two: notingServer('two'), three: notingServer('three', '--delay', '200') };
  await using gateway = await startWorkers({ mcpServers: servers });
  const lists = async () => {
    const answers = await Promise.all(many(() => rpc(gateway.url).modern().request('tools/list')));
    return answers.map(({ result }) => (result!['tools'] as { name: string }[]).map(({ name }) => name));
  };
  const all = await eventually('everything is listed', async () => {
    const [first, ...others] = await lists();
    expect(others.every((other) => other.length !== first!.length || other.join() === first!.join())).toBe(true);
    return first!.length === 21 && others.every((other) => other.join() === first!.join()) ? first : undefined;
  });
  const owners = await Promise.all(many(() => textOf(rpc(gateway.url).modern(), 'who')));
  expect(new Set(owners.map((text) => text.split(' ')[0])).size).toBe(1);

  const clients = await Promise.all(many(() => openWebSocketClient(gateway.url)));
  expect(new Set(await Promise.all(clients.map((client) => client.who()))).size).toBe(3);
  await writeFile(gateway.configFile, JSON.stringify({ mcpServers: { ...servers, four: notingServer('four') } }));
  await eventually('the newcomer is listed everywhere', async () => {
    const found = await lists();
    const isSame = found.every((names) => names.length === 28 && names.join() === found[0]!.join());
    return (isSame && all.every((name) => found[0]!.includes(name))) || undefined;
  });
  await eventually(
    'all clients have heard of it',
    () => clients.every(({ heard }) => heard.some(({ method }) => method === LIST_CHANGED)) || undefined,
  );
  for (const { sdk } of clients) {
    expect((await sdk.listTools()).tools).toHaveLength(28);
    await sdk.close();
  }
});

test('when a server of any worker says that a list has changed, clients of all hear of it', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
  const shared = path.join(folder, 'tools');
  await writeFile(shared, '');
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting', '--shared', shared) } });
  const streams = await Promise.all(many(() => openListening(gateway.url, { toolsListChanged: true })));
  const count = ({ heard }: EventStream) => heard(LIST_CHANGED).length;

  const told = new Set<string>();
  for (let times = 1; told.size < 3; times++) {
    const before = streams.map(count);
    told.add(await textOf(rpc(gateway.url).modern(), 'grow', { tool: `new-${times}` }));
    await eventually(
      `all have heard of change ${times}`,
      () => streams.every((stream, index) => count(stream) > before[index]!) || undefined,
    );
    const lists = await Promise.all(many(() => rpc(gateway.url).modern().request('tools/list')));
    for (const { result } of lists) expect(result!['tools']).toContainEqual(expect.objectContaining({ name: `new-${times}` }));
  }
  for (const stream of streams) await stream[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

test('a worker that is killed takes only its own calls with it', { timeout: 120_000 }, async () => {
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } });
  const sessions = await Promise.all(many(() => rpc(gateway.url).handshake()));
  const homes = new Map(await Promise.all(sessions.map(async (session) => [session, await textOf(session, 'who')] as const)));
  const [victim] = gateway.workers().slice(1);
  const load = new AbortController();
  const failures: RawSession[] = [];
  let slowestFailureMs = 0;
  const loads = sessions.map(async (session) => {
    while (!load.signal.aborted) {
      const begunAt = performance.now();
      await textOf(session, 'wait', { ms: 20 }, { timeoutMs: 10_000 }).catch(() => {
        failures.push(session);
        slowestFailureMs = Math.max(slowestFailureMs, performance.now() - begunAt);
      });
    }
  });
  await eventually('the load runs', async () => ((await readStatus(gateway)).upstreams[0]!.inFlight > 0 ? true : undefined));
  const serversOf = new Set(processTree(victim!).map(({ pid }) => String(pid)));
  const lost = new Set(sessions.filter((session) => serversOf.has(homes.get(session)!.split(' ')[1]!)));
  process.kill(victim!, 'SIGKILL');
  await untilAllServe(gateway, 2);
  load.abort();
  await Promise.all(loads);

  expect(lost.size).toBeGreaterThan(0);
  // One in flight there for each of its own, and for any other at most one whose new connection it had just accepted.
  expect(failures.filter((session) => lost.has(session)).length).toBeLessThanOrEqual(2 * lost.size);
  const others = failures.filter((session) => !lost.has(session));
  expect(others.length).toBe(new Set(others).size);
  expect(slowestFailureMs).toBeLessThan(8_000);
  for (const session of sessions) {
    const answers = new Set(await Promise.all(many(() => textOf(session, 'who'))));
    expect(answers.size).toBe(1);
    expect(answers.has(homes.get(session)!)).toBe(!lost.has(session));
  }
  // What was ended in the meantime is not taken up by others either.
  const [ended] = lost;
  await ended!.close();
  expect((await ended!.exchange('tools/list')).status).toBe(404);
});

test('nothing on its way to a worker that is killed waits for it', { timeout: 120_000 }, async () => {
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } });
  const outcome = (session: RawSession) =>
    textOf(session, 'who', {}, { timeoutMs: 20_000 }).then(
      () => 'answered',
      ({ message }: Error) => (/ECONNRESET|EPIPE|hang up/.test(message) ? 'cut off' : message),
    );
  const victim = gateway.workers()[1]!;
  const sessions = await Promise.all(many(() => rpc(gateway.url).handshake()));
  const homes = await Promise.all(sessions.map((session) => textOf(session, 'who')));
  const processes = new Set(processTree(victim).map(({ pid }) => String(pid)));
  const session = sessions.find((_, index) => processes.has(homes[index]!.split(' ')[1]!))!;

  // While it is stopped it takes nothing, and all but the first that are moved to it wait.
  process.kill(victim, 'SIGSTOP');
  let answered = 0;
  const others = many(() => outcome(rpc(gateway.url).modern()).finally(() => answered++));
  const own = many(() => outcome(session));
  // Each but the one that it was the victim's turn to get.
  await eventually('the others are served', () => (answered >= TIMES - 1 ? true : undefined));
  await sleep(300);
  process.kill(victim, 'SIGKILL');

  const outcomes = await Promise.all([...own, ...others]);
  expect(new Set(outcomes)).toEqual(new Set(['answered', 'cut off']));
  // The victim has seen nothing of those that waited, so others serve them.
  expect(outcomes.filter((each) => each === 'cut off').length).toBeLessThanOrEqual(2);
});

test('a worker is started once, also when the leader comes back before the wait for it is over', { timeout: 120_000 }, async () => {
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } });
  const leader = gateway.workers()[0]!;
  const killLast = () => process.kill(gateway.workers().at(-1)!, 'SIGKILL');
  // Each time it is waited twice as long.
  for (let times = 2; times <= 5; times++) {
    killLast();
    await untilAllServe(gateway, times);
  }
  killLast();
  process.kill(leader, 'SIGKILL');
  await untilAllServe(gateway, 6);
  await sleep(3_000);
  expect(gateway.workers()).toHaveLength(3);
});

test('SIGTERM lets calls end in all workers, and leaves nothing', { timeout: 120_000 }, async () => {
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } });
  const sessions = await Promise.all(many(() => rpc(gateway.url).handshake()));
  const calls = sessions.map((session) => textOf(session, 'wait', { ms: 1500 }));
  await eventually('the calls are under way', async () => ((await readStatus(gateway)).upstreams[0]!.inFlight >= TIMES ? true : undefined));
  const tree = processTree(gateway.pid);
  const { code } = await gateway.stop();

  expect(await Promise.all(calls)).toEqual(many(() => 'waited'));
  expect(code).toBe(0);
  await eventually('all processes are gone', () => (tree.every(({ pid }) => !isAlive(pid)) ? true : undefined));
});

test('SIGTERM also ends a worker that has just been started', { timeout: 120_000 }, async () => {
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } });
  const before = gateway.workers();
  process.kill(before[1]!, 'SIGKILL');
  await eventually('another is started', () => (gateway.workers().some((pid) => !before.includes(pid)) ? true : undefined));

  expect(await gateway.stop()).toEqual({ code: 0, signal: null });
});

test('SIGTERM ends workers that wait for their store at once', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
  const configFile = path.join(folder, 'signalbox.json');
  await writeFile(configFile, JSON.stringify({ mcpServers: {}, storage: { url: 'redis://127.0.0.1:1', startupSeconds: 60 } }));
  const args = ['serve', '--workers', '2', '--port', '0', '--config', configFile, '--data', path.join(folder, 'data')];
  const gateway = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  gateway.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await eventually('it waits', () => (said.includes('waits for the store') ? true : undefined), { withinMs: 30_000 });
  const tree = processTree(gateway.pid!);
  const askedAt = performance.now();
  gateway.kill('SIGTERM');
  expect(await once(gateway, 'exit')).toEqual([0, null]);
  // Who does not end is killed after fifteen seconds.
  expect(performance.now() - askedAt).toBeLessThan(10_000);
  expect(tree.filter(({ pid }) => isAlive(pid))).toEqual([]);
  await rm(folder, { recursive: true });
});

test('nothing outlives the process that started the workers, not even when that is killed', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signalbox-'));
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } }, { env: { TMPDIR: folder } });
  // What a worker leaves behind that is killed is no hindrance.
  process.kill(gateway.workers()[1]!, 'SIGKILL');
  await untilAllServe(gateway, 2);
  const tree = processTree(gateway.pid);
  expect(tree.length).toBeGreaterThanOrEqual(6);
  expect(await readdir(folder)).not.toEqual([]);
  process.kill(gateway.pid, 'SIGKILL');
  await eventually('all processes are gone', () => (tree.every(({ pid }) => !isAlive(pid)) ? true : undefined), { withinMs: 20_000 });
  expect(processesWith(gateway.configFile)).toEqual([]);
  expect(await readdir(folder)).toEqual([]);
  await rm(folder, { recursive: true });
});

// While the receipt of what it gave away is outstanding, Node tells a worker nothing of the end of the other.
test('a worker that has just given a connection away does not outlive it either', { timeout: 120_000 }, async () => {
  await using gateway = await startWorkers({ mcpServers: { noting: notingServer('noting') } });
  const sessions = await Promise.all(many(() => rpc(gateway.url).handshake()));
  const agents = many(() => new Agent({ keepAlive: true, maxSockets: 1 }));
  const callOver = (index: number, session: RawSession) => postOver(agents[index]!, gateway.url, { session });
  const homes = await Promise.all(sessions.map((session, index) => callOver(index, session)));
  expect(new Set(homes).size).toBe(3);
  const tree = processTree(gateway.pid);

  process.kill(gateway.pid, 'SIGSTOP');
  // From each worker at least one connection goes to another.
  const calls = sessions.map((_, index) =>
    callOver(index, sessions[homes.findIndex((home) => home !== homes[index])]!).then(
      () => 'answered',
      () => 'cut off',
    ),
  );
  await sleep(300);
  process.kill(gateway.pid, 'SIGKILL');
  await eventually('all processes are gone', () => (tree.every(({ pid }) => !isAlive(pid)) ? true : undefined), { withinMs: 20_000 });
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['cut off']));
  for (const agent of agents) agent.destroy();
});
