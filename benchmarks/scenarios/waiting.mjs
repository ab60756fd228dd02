import { openClient } from '../lib/compare.mjs';
import { openMany, runLoad } from '../lib/load.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startBridge, startReadyGateway, startUpstreams, stdioEntry, stdioUpstream } from '../lib/targets.mjs';

const SESSIONS = 256;
const WAIT_MS = 100;

export const benchmark = {
  name: 'waiting',
  about: `${SESSIONS} sessions whose calls all wait ${WAIT_MS} ms in the upstream: the share of the ideal rate that is reached, beside no gateway at all.`,
  budgets: [
    { metric: 'share of the ideal, HTTP', atLeast: 0.93 },
    { metric: 'share of the ideal, stdio', atLeast: 0.93 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const kinds = {
      HTTP: { entry: { url: upstreams.url(6) }, beside: { url: upstreams.url(6), stop: () => undefined } },
      stdio: { entry: stdioEntry(), beside: await startBridge(stdioUpstream()) },
    };
    const rows = [];
    const metrics = {};
    for (const [kind, { entry, beside }] of Object.entries(kinds)) {
      const name = kind === 'HTTP' ? 'direct' : 'bridge';
      const gateway = await startReadyGateway(program, { mcpServers: { bench: entry } }, ['wait']);
      const clients = {
        gateway: await openMany(SESSIONS, () => openClient(gateway)),
        [name]: await openMany(SESSIONS, () => openClient(beside)),
      };
      const measure = async (variant, durationMs) => {
        const load = await runLoad(clients[variant], { call: callWait, durationMs });
        return { ...load, share: load.callsPerSecond / ((SESSIONS * 1000) / WAIT_MS) };
      };
      for (const variant of Object.keys(clients)) await measure(variant, quick ? 1000 : 4000);
      const samples = await alternate(Object.keys(clients), {
        rounds: quick ? 3 : 7,
        measure: (variant) => measure(variant, quick ? 500 : 2000),
      });
      rows.push(...toRows(samples, kind));
      metrics[`share of the ideal, ${kind}`] = summarize(samples.get('gateway').map(({ share }) => share));
      metrics[`rate to ${name}, ${kind}`] = ratio(samples, 'callsPerSecond', { of: 'gateway', to: name });
      for (const client of Object.values(clients).flat()) client.close();
      await gateway.stop();
      await beside.stop();
    }
    await upstreams.stop();
    return { rows, metrics };
  },
};

async function callWait(client) {
  if ((await client.call('wait', { ms: WAIT_MS })) !== 'waited') throw new Error('The answer was wrong');
}
