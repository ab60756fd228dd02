import { openClient } from '../lib/compare.mjs';
import { openMany, until } from '../lib/load.mjs';
import { residentKib } from '../lib/processes.mjs';
import { alternate, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const SESSIONS = 1000;
const IDLE_SECONDS = 6;

export const benchmark = {
  name: 'idle-sessions',
  about: `Memory of ${SESSIONS} sessions that nobody uses, with and without the stream clients keep open, and what is left of them after their time to live of ${IDLE_SECONDS} s.`,
  budgets: [
    { metric: 'KiB per session', atMost: 50 },
    { metric: 'KiB per session with its stream', atMost: 50 },
    { metric: 'share of sessions left after their time', atMost: 0 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const samples = await alternate(['without stream', 'with stream'], {
      rounds: quick ? 1 : 3,
      measure: (variant) => measure(program, { url: upstreams.url(3), withStream: variant === 'with stream' }),
    });
    await upstreams.stop();
    const valuesOf = (variant, metric) => summarize(samples.get(variant).map((sample) => sample[metric]));
    return {
      rows: toRows(samples),
      metrics: {
        'KiB per session': valuesOf('without stream', 'kibEach'),
        'KiB per session with its stream': valuesOf('with stream', 'kibEach'),
        'share of sessions left after their time': valuesOf('without stream', 'shareLeft'),
      },
    };
  },
};

async function measure(program, { url, withStream }) {
  const config = { mcpServers: { bench: { url } }, sessions: { idleSeconds: IDLE_SECONDS } };
  const gateway = await startReadyGateway(program, config);
  // The same once before, so that what opening costs the first time is not taken for what sessions keep.
  for (const client of await openMany(SESSIONS, () => openClient(gateway))) await client.end();
  await settle();

  const before = residentKib(gateway.pid);
  const clients = await openMany(SESSIONS, () => openClient(gateway));
  const streams = withStream ? await openMany(SESSIONS, (index) => clients[index].openStream()) : [];
  // A session is no connection: the kept-alive ones would be counted too.
  for (const client of clients) client.close();
  await settle();
  const kibEach = (residentKib(gateway.pid) - before) / SESSIONS;

  for (const stream of streams) stream.destroy();
  const probes = clients.filter((_, index) => index % 50 === 0);
  await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
  // Asking a session keeps it alive, so each probe is asked once, after a grace of one more time to live for the sweep.
  await until(async () => ((await probes[0].statusOfPing()) === 404 ? true : undefined), {
    timeoutMs: IDLE_SECONDS * 2000,
    everyMs: IDLE_SECONDS * 1100,
  });
  let left = 0;
  for (const probe of probes.slice(1)) if ((await probe.statusOfPing()) !== 404) left++;
  const kibAfter = (residentKib(gateway.pid) - before) / SESSIONS;
  for (const probe of probes) probe.close();
  await gateway.stop();
  return { kibEach, kibEachAfterTtl: kibAfter, shareLeft: left / (probes.length - 1) };
}

function settle() {
  return new Promise((resolve) => setTimeout(resolve, 500));
}
