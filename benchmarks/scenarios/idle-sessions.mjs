import { openClient } from '../lib/compare.mjs';
import { openMany } from '../lib/load.mjs';
import { residentKib } from '../lib/processes.mjs';
import { alternate, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const SESSIONS = 1000;
const MANY = 10_000;
const IDLE_SECONDS = 6;

export const benchmark = {
  name: 'idle-sessions',
  about: `Memory of ${SESSIONS} sessions that nobody uses, with and without the stream clients keep open, and what is left of them after their clients ended them, or after their time to live of ${IDLE_SECONDS} s. And ${MANY} of them with their streams.`,
  budgets: [
    { metric: 'KiB per session', atMost: 20 },
    { metric: 'KiB per session with its stream', atMost: 20 },
    { metric: 'share of sessions that can be used', atLeast: 1 },
    { metric: 'sessions left after their clients ended them', atMost: 0 },
    { metric: 'share of sessions left after their time', atMost: 0 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const samples = await alternate(['without stream', 'with stream'], {
      rounds: quick ? 1 : 3,
      measure: (variant) => measure(program, { url: upstreams.url(6), withStream: variant === 'with stream' }),
    });
    const many = await measureMany(program, upstreams.url(6));
    await upstreams.stop();
    const valuesOf = (variant, metric) => summarize(samples.get(variant).map((sample) => sample[metric]));
    return {
      rows: [...toRows(samples), ...toRows(new Map([[`${MANY} with stream`, [many]]]))],
      metrics: {
        'KiB per session': valuesOf('without stream', 'kibEach'),
        'KiB per session with its stream': valuesOf('with stream', 'kibEach'),
        'share of sessions that can be used': summarize([many, ...samples.get('with stream')].map(({ shareUsable }) => shareUsable)),
        'sessions left after their clients ended them': summarize(
          [many, ...samples.get('with stream')].map(({ leftAfterEnd }) => leftAfterEnd),
        ),
        'share of sessions left after their time': valuesOf('without stream', 'shareLeft'),
      },
    };
  },
};

async function measure(program, { url, withStream }) {
  const gateway = await startReadyGateway(program, { mcpServers: { bench: { url } }, sessions: { idleSeconds: IDLE_SECONDS } });
  // The same once before, so that what opening costs the first time is not taken for what sessions keep.
  for (const client of await openMany(SESSIONS, () => openClient(gateway))) await client.end();
  await settle();
  const before = residentKib(gateway.pid);
  const { clients, streams } = await openIdle(gateway, SESSIONS, withStream);
  const kibEach = (residentKib(gateway.pid) - before) / SESSIONS;
  const ends = withStream ? await useAndEnd({ gateway, clients, streams, before }) : { shareLeft: await outlive(gateway, SESSIONS) };
  await gateway.stop();
  return { kibEach, ...ends };
}

async function measureMany(program, url) {
  const sessions = { idleSeconds: 600, max: 2 * MANY };
  const gateway = await startReadyGateway(program, { mcpServers: { bench: { url } }, sessions });
  const before = residentKib(gateway.pid);
  const { clients, streams } = await openIdle(gateway, MANY, true);
  const kibEach = (residentKib(gateway.pid) - before) / MANY;
  const ends = await useAndEnd({ gateway, clients, streams, before });
  await gateway.stop();
  return { kibEach, ...ends };
}

async function openIdle(gateway, count, withStream) {
  const clients = await openMany(count, async () => {
    const client = await openClient(gateway);
    // A session is no connection: the kept-alive ones would be counted too.
    client.close();
    return client;
  });
  const streams = withStream ? await openMany(count, (index) => clients[index].openStream()) : [];
  await settle();
  return { clients, streams };
}

/** Asks every session once, ends it, and looks what is left. */
async function useAndEnd({ gateway, clients, streams, before }) {
  let usable = 0;
  let leftAfterEnd = 0;
  for (const client of clients) {
    if ((await client.statusOfPing()) === 200) usable++;
    await client.end();
  }
  for (const client of clients) {
    if ((await client.statusOfPing()) !== 404) leftAfterEnd++;
    client.close();
  }
  leftAfterEnd += await gateway.countSessions();
  for (const stream of streams) stream.destroy();
  await settle();
  return { shareUsable: usable / clients.length, leftAfterEnd, kibEachAfterEnd: (residentKib(gateway.pid) - before) / clients.length };
}

/** Leaves sessions alone for longer than they live. @returns the share of those that are still kept. */
async function outlive(gateway, count) {
  const endsAt = performance.now() + 3000 * IDLE_SECONDS;
  for (;;) {
    const left = await gateway.countSessions();
    if (left === 0 || performance.now() > endsAt) return left / count;
    await settle();
  }
}

function settle() {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
