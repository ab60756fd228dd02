import { openClient } from '../lib/compare.mjs';
import { openMany, runLoad } from '../lib/load.mjs';
import { residentKib } from '../lib/processes.mjs';
import { summarize } from '../lib/statistics.mjs';
import { startReadyGateway, startUpstreams, stdioEntry } from '../lib/targets.mjs';

const CONNECTIONS = 32;
/** What the measured share of the run begins after: memory still grows to its working size until then. */
const WARM_SHARE = 0.3;

export const benchmark = {
  name: 'soak',
  about:
    `Half of what the gateway can do, for --minutes, over ${CONNECTIONS} connections of both generations to an HTTP and a stdio server: every call notes a key of its own ` +
    `in its server, which tells how often it was noted. One call in 200 brings 64 KiB, one client in eight ends its session every few seconds.`,
  isOnDemand: true,
  budgets: [
    { metric: 'calls lost', atMost: 0 },
    { metric: 'calls doubled', atMost: 0 },
    { metric: 'MiB an hour, resident', atMost: 16 },
  ],

  async run({ programs, minutes }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const gateway = await startReadyGateway(
      program,
      { mcpServers: { web: { url: upstreams.url(6) }, child: stdioEntry({ prefix: 'child_' }) } },
      ['note', 'child_note'],
    );
    const open = (index) => openClient({ url: gateway.url, era: index % 2 === 0 ? 'handshake' : 'modern' });
    const clients = await openMany(CONNECTIONS, open);
    const full = await runLoad(clients, { call: (client) => client.call('echo', { text: 'full load' }), durationMs: 8000 });
    const perSecond = full.callsPerSecond / 2;

    const state = { sent: { note: 0, child_note: 0 }, lost: [], slowestMs: 0 };
    const memory = [];
    const endsAt = performance.now() + minutes * 60_000;
    const begunAt = performance.now();
    const everyMs = (CONNECTIONS * 1000) / perSecond;
    const sampler = setInterval(() => memory.push([(performance.now() - begunAt) / 3_600_000, residentKib(gateway.pid) / 1024]), 1000);
    await Promise.all(clients.map((client, index) => soak({ client, index, open, everyMs, endsAt, state })));
    clearInterval(sampler);
    const counts = await countAll(gateway);
    await gateway.stop();
    await upstreams.stop();

    const settled = memory.slice(Math.floor(memory.length * WARM_SHARE));
    const sentInAll = state.sent.note + state.sent.child_note;
    const figures = {
      'calls a second': sentInAll / (minutes * 60),
      'calls sent': sentInAll,
      'calls lost': state.lost.length + sentInAll - counts.keys,
      'calls doubled': counts.doubled,
      'slowest call, ms': state.slowestMs,
      'MiB resident, at the beginning of the measured part': settled[0][1],
      'MiB resident, at the end': settled.at(-1)[1],
      'MiB an hour, resident': slopeOf(settled),
    };
    if (state.lost.length > 0) console.error(`lost: ${state.lost.slice(0, 5).join(' | ')}`);
    return { rows: [], metrics: Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, summarize([value])])) };
  },
};

async function soak({ client: first, index, open, everyMs, endsAt, state }) {
  let client = first;
  let next = performance.now() + Math.random() * everyMs;
  for (let count = 0; next < endsAt; count++) {
    const waitMs = next - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    next += everyMs;
    const sentAt = performance.now();
    const tool = index % 4 < 2 ? 'note' : 'child_note';
    const key = `${index}-${count}`;
    try {
      if (count % 200 === 199) {
        const { length } = await client.call(tool === 'note' ? 'big' : 'child_big', { kib: 64 });
        if (length !== 64 * 1024) throw new Error(`a large result of ${length} characters`);
      }
      state.sent[tool]++;
      const text = await client.call(tool, { key });
      if (text !== `${key} 1`) throw new Error(`"${text}" for ${key}`);
      if (index % 8 === 0 && count % 500 === 499) {
        await client.end();
        client = await open(index);
      }
    } catch (error) {
      state.lost.push(`${key}: ${error.message}`);
      client.close();
      client = await open(index);
    }
    state.slowestMs = Math.max(state.slowestMs, performance.now() - sentAt);
  }
  await client.end();
}

async function countAll(gateway) {
  const client = await openClient(gateway);
  const counts = [];
  for (const tool of ['counts', 'child_counts']) counts.push(JSON.parse(await client.call(tool)));
  client.close();
  return { keys: counts[0].keys + counts[1].keys, doubled: counts[0].doubled + counts[1].doubled };
}

/** Slope of the line nearest to all points. */
function slopeOf(points) {
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const both = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0);
  return both / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
}
