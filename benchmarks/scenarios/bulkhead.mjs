import { callEcho } from '../lib/calls.mjs';
import { openClient } from '../lib/compare.mjs';
import { openMany, runLoad } from '../lib/load.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { startReadyGateway, startUpstreams, stdioEntry } from '../lib/targets.mjs';

// Few enough that the gateway has time to spare: at its limit the tail tells of the queue in front of it and of nothing else.
const CONNECTIONS = 2;
// More than an upstream has slots, so that its queue is in use too.
const HUNG_CALLS = 100;

export const benchmark = {
  name: 'bulkhead',
  about: `Calls to a good upstream over ${CONNECTIONS} connections while ${HUNG_CALLS} calls hang in another one, beside the same without them.`,
  budgets: [
    { metric: 'p99 with a hung upstream to without, stdio', atMost: 1.1 },
    { metric: 'p99 with a hung upstream to without, HTTP', atMost: 1.1 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const entries = { stdio: stdioEntry(), HTTP: { url: upstreams.url(6) } };
    const rows = [];
    const metrics = {};
    for (const [kind, good] of Object.entries(entries)) {
      const samples = await measure(program, { good, quick });
      rows.push(...toRows(samples, kind));
      metrics[`p99 with a hung upstream to without, ${kind}`] = ratio(samples, 'p99Us', { of: 'one hung', to: 'none hung' });
      metrics[`p50 with a hung upstream to without, ${kind}`] = ratio(samples, 'p50Us', { of: 'one hung', to: 'none hung' });
    }
    await upstreams.stop();
    return { rows, metrics };
  },
};

async function measure(program, { good, quick }) {
  const gateway = await startReadyGateway(program, { mcpServers: { good, bad: stdioEntry({ prefix: 'bad_' }) } }, ['echo', 'bad_hang']);
  const clients = await openMany(CONNECTIONS, () => openClient(gateway));
  await runLoad(clients, { call: callEcho, durationMs: quick ? 400 : 2000 });
  const samples = await alternate(['none hung', 'one hung'], {
    rounds: quick ? 5 : 11,
    async measure(variant) {
      const hung = variant === 'one hung' ? await hang(gateway) : [];
      const result = await runLoad(clients, { call: callEcho, durationMs: quick ? 400 : 1000, pid: gateway.pid });
      for (const { client } of hung) client.close();
      await Promise.all(hung.map(({ ended }) => ended));
      return result;
    },
  });
  for (const client of clients) client.close();
  await gateway.stop();
  return samples;
}

async function hang(gateway) {
  // In the modern revision to disconnect is to cancel, which ends the hung calls after each round.
  const clients = await openMany(HUNG_CALLS, () => openClient({ url: gateway.url, era: 'modern' }));
  const hung = clients.map((client) => ({
    client,
    ended: client.call('bad_hang', {}, 600_000).then(
      () => {
        throw new Error('A call that hangs was answered');
      },
      (error) => {
        if (!/closed/.test(error.message)) throw error;
      },
    ),
  }));
  // Long enough for all of them to have arrived.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return hung;
}
