import { listTools } from '../lib/calls.mjs';
import { compareTargets, countConnections } from '../lib/compare.mjs';
import { ratio, toRows } from '../lib/rounds.mjs';
import { startBareProxy, startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const TOOLS = 200;

export const benchmark = {
  name: 'tools-list',
  about: `tools/list of ${TOOLS} tools through the gateway, beside a bare reverse proxy and no proxy at all.`,
  budgets: [
    { metric: 'rate to direct, 4 connections', atLeast: 0.8 },
    { metric: 'CPU per list to bare proxy, 4 connections', atMost: 1.5 },
  ],

  async run({ quick, programs }) {
    const upstreams = await startUpstreams();
    const url = upstreams.url(TOOLS);
    const targets = new Map([['bare proxy', await startBareProxy(url)]]);
    for (const [label, program] of programs) targets.set(label, await startReadyGateway(program, { mcpServers: { bench: { url } } }));
    const started = [upstreams, ...targets.values()];
    targets.set('direct', { url });

    const rows = [];
    const metrics = {};
    const [[name], ...others] = programs;
    for (const connections of [1, 4]) {
      const label = countConnections(connections);
      const samples = await compareTargets(targets, { connections, call: (client) => listTools(client, TOOLS), quick });
      rows.push(...toRows(samples, label));
      metrics[`rate to direct, ${label}`] = ratio(samples, 'callsPerSecond', { of: name, to: 'direct' });
      metrics[`CPU per list to bare proxy, ${label}`] = ratio(samples, 'cpuUs', { of: name, to: 'bare proxy' });
      for (const [other] of others) metrics[`CPU per list to ${other}, ${label}`] = ratio(samples, 'cpuUs', { of: name, to: other });
    }
    for (const process of started) await process.stop();
    return { rows, metrics };
  },
};
