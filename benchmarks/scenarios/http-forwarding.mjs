import { callBig, callEcho } from '../lib/calls.mjs';
import { compareTargets, countConnections } from '../lib/compare.mjs';
import { ratio, toRows } from '../lib/rounds.mjs';
import { startBareProxy, startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const CASES = [
  { connections: 1, call: callEcho, suffix: '' },
  { connections: 16, call: callEcho, suffix: '' },
  { connections: 64, call: callEcho, suffix: '' },
  { connections: 4, call: callBig(64), suffix: ', 64 KiB' },
  { connections: 4, call: callBig(1024), suffix: ', 1 MiB' },
];

export const benchmark = {
  name: 'http-forwarding',
  about: 'tools/call through the gateway to an HTTP upstream, beside a bare node:http reverse proxy and no proxy at all.',
  budgets: [
    { metric: 'p50 to bare proxy, 1 connection', atMost: 1 },
    { metric: 'rate to bare proxy, 64 connections', atLeast: 1.5 },
    { metric: 'rate to bare proxy, 4 connections, 64 KiB', atLeast: 1.3 },
    { metric: 'rate to bare proxy, 4 connections, 1 MiB', atLeast: 0.9 },
    { metric: 'CPU per call to bare proxy, 16 connections', atMost: 1 },
  ],

  async run({ quick, programs }) {
    const upstreams = await startUpstreams();
    const url = upstreams.url(6);
    const targets = new Map([
      ['direct', { url }],
      ['bare proxy', await startBareProxy(url)],
    ]);
    const started = [upstreams, targets.get('bare proxy')];
    for (const [label, program] of programs) {
      const gateway = await startReadyGateway(program, { mcpServers: { bench: { url } } });
      started.push(gateway);
      targets.set(label, gateway);
      targets.set(`${label}, modern client`, { ...gateway, era: 'modern' });
    }

    const rows = [];
    const metrics = {};
    const [[name], ...others] = programs;
    for (const { connections, call, suffix } of CASES) {
      const label = countConnections(connections) + suffix;
      const samples = await compareTargets(targets, { connections, call, quick });
      rows.push(...toRows(samples, label));
      metrics[`p50 to bare proxy, ${label}`] = ratio(samples, 'p50Us', { of: name, to: 'bare proxy' });
      metrics[`rate to bare proxy, ${label}`] = ratio(samples, 'callsPerSecond', { of: name, to: 'bare proxy' });
      metrics[`CPU per call to bare proxy, ${label}`] = ratio(samples, 'cpuUs', { of: name, to: 'bare proxy' });
      for (const [other] of others) metrics[`CPU per call to ${other}, ${label}`] = ratio(samples, 'cpuUs', { of: name, to: other });
    }
    for (const process of started) await process.stop();
    return { rows, metrics };
  },
};
