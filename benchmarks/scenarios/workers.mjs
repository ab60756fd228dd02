import { callEcho } from '../lib/calls.mjs';
import { countConnections } from '../lib/compare.mjs';
import { openMany, runLoad, until } from '../lib/load.mjs';
import { McpClient } from '../lib/mcp-client.mjs';
import { descendantsOf } from '../lib/processes.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const CASES = [16, 64];
const COUNTS = [1, 2];
/** Calls each process makes before it is measured: two of them take twice as long to become fast as one. */
const WARM_CALLS = 8_000;

export const benchmark = {
  name: 'workers',
  about:
    'Processor time of a tools/call with two workers, all their processes together, beside one. All share one core, so no gain in rate can show.',
  budgets: CASES.map((connections) => ({ metric: `CPU per call to one worker, ${countConnections(connections)}`, atMost: 1.1 })),

  async run({ quick, programs }) {
    const upstreams = await startUpstreams();
    const started = [upstreams];
    const targets = new Map();
    const [[, program]] = programs;
    for (const workers of COUNTS) {
      const gateway = await startReadyGateway(program, { listen: { workers }, mcpServers: { bench: { url: upstreams.url(6) } } });
      started.push(gateway);
      targets.set(`${workers} ${workers === 1 ? 'worker' : 'workers'}`, { ...gateway, workers });
    }
    for (const target of targets.values()) {
      if (target.workers > 1) await untilAllServe(target);
      target.pids = [target.pid, ...descendantsOf(target.pid)];
    }

    const rows = [];
    const metrics = {};
    for (const connections of CASES) {
      const clients = new Map();
      for (const [variant, { url }] of targets) clients.set(variant, await openMany(connections, () => openElsewhere(url)));
      for (const [variant, all] of clients) await warmUp(all, targets.get(variant).workers * (quick ? 1_000 : WARM_CALLS));
      const samples = await alternate([...targets.keys()], {
        rounds: quick ? 3 : 9,
        measure: (variant) =>
          runLoad(clients.get(variant), { call: callEcho, durationMs: quick ? 250 : 600, pids: targets.get(variant).pids }),
      });
      for (const client of [...clients.values()].flat()) client.close();
      const label = countConnections(connections);
      rows.push(...toRows(samples, label));
      metrics[`CPU per call to one worker, ${label}`] = ratio(samples, 'cpuUs', { of: '2 workers', to: '1 worker' });
    }
    for (const process of started.toReversed()) await process.stop();
    return { rows, metrics };
  },
};

async function warmUp(clients, calls) {
  const each = async (client) => {
    for (let left = calls / clients.length; left > 0; left--) await callEcho(client);
  };
  await Promise.all(clients.map(each));
}

// The id of a session begins with the name of its worker.
async function untilAllServe({ url, workers }) {
  const seen = new Set();
  const look = async () => {
    const client = await openElsewhere(url);
    seen.add(client.sessionId.split('.')[0]);
    return seen.size === workers || undefined;
  };
  await until(look, { timeoutMs: 30_000 });
}

// A session whose calls come over another connection than the one it was opened on, as those of many clients do.
async function openElsewhere(url) {
  const client = new McpClient({ url });
  await client.open();
  client.close();
  return client;
}
