import { expect, test } from 'vitest';
import { startGateway } from '../e2e/support/gateway.ts';
import { rpc } from '../e2e/support/raw-client.ts';
import { callTool, eventually, untilState, upstreamOf, whileOthersAnswer } from './support/observe.ts';
import { BAD, BAD_ECHO, goodUpstream, startHttpUpstream, stdioUpstream } from './support/upstreams.ts';

const narrow = { maxConcurrent: 2, maxQueued: 2, timeouts: { callMs: 3_000 } };

test.each(['stdio', 'HTTP'])('a hung %s upstream that is full refuses more calls at once and costs nobody else anything', async (kind) => {
  await using web = await startHttpUpstream('hang', '--prefix', 'bad_');
  const hung = kind === 'stdio' ? stdioUpstream('silent-call', { entry: narrow }) : { url: web.url, ...narrow };
  await using gateway = await startGateway({ config: { mcpServers: { [BAD]: hung, good: goodUpstream() } } });
  await Promise.all([untilState(gateway, BAD, 'ready'), untilState(gateway, 'good', 'ready')]);
  const session = rpc(gateway.url).modern();

  const hanging = [1, 2, 3, 4].map(() => callTool(session, BAD_ECHO));
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight, queued }) => inFlight === 2 && queued === 2,
  );
  const { result: refused, slowestMs } = await whileOthersAnswer(gateway, () =>
    Promise.all(Array.from({ length: 50 }, () => callTool(session, BAD_ECHO))),
  );
  for (const { error, tookMs } of refused) {
    expect(error).toMatchObject({
      message: 'Cannot take more calls for "bad": 2 are running and 2 wait; try again later',
      data: { reason: 'OVERLOADED', upstream: BAD, phase: 'queue', sent: false },
    });
    expect(tookMs).toBeLessThan(1_000);
  }
  expect(slowestMs).toBeLessThan(1_000);
  expect(await upstreamOf(gateway, BAD)).toMatchObject({ inFlight: 2, queued: 2 });

  const { result: ended } = await whileOthersAnswer(gateway, () => Promise.all(hanging));
  const phases = ended.map(({ error }) => error?.data['phase']);
  // Those in line waited as long as they would have for an answer, so they end in the queue or get a slot at the last moment.
  expect(phases.filter((phase) => phase === 'call').length).toBeGreaterThanOrEqual(2);
  for (const { error } of ended) expect(error?.data).toMatchObject({ reason: 'DEADLINE_EXCEEDED', upstream: BAD });
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight, queued }) => inFlight === 0 && queued === 0,
  );
});

test('callers that leave give back their slots and their places in the queue', async () => {
  await using gateway = await startGateway({
    config: { mcpServers: { [BAD]: stdioUpstream('silent-call', { entry: narrow }), good: goodUpstream() } },
  });
  await Promise.all([untilState(gateway, BAD, 'ready'), untilState(gateway, 'good', 'ready')]);
  const leave = new AbortController();
  const session = rpc(gateway.url).modern();
  const params = { name: BAD_ECHO, arguments: { text: 'x' } };
  const left = [1, 2, 3, 4].map(() => expect(session.request('tools/call', params, { signal: leave.signal })).rejects.toThrow(/abort/i));
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight, queued }) => inFlight === 2 && queued === 2,
  );
  leave.abort();
  await Promise.all(left);
  await eventually(
    () => upstreamOf(gateway, BAD),
    ({ inFlight, queued }) => inFlight === 0 && queued === 0,
    1_000,
  );
});
