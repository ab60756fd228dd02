import { callBig, callEcho } from '../lib/calls.mjs';
import { compareTargets, countConnections } from '../lib/compare.mjs';
import { ratio, toRows } from '../lib/rounds.mjs';
import { startBridge, startReadyGateway, stdioEntry, stdioUpstream } from '../lib/targets.mjs';

const CASES = [
  { connections: 1, call: callEcho, suffix: '' },
  { connections: 16, call: callEcho, suffix: '' },
  { connections: 64, call: callEcho, suffix: '' },
  { connections: 4, call: callBig(64), suffix: ', 64 KiB' },
];

export const benchmark = {
  name: 'stdio-multiplexing',
  about: 'Many clients share one stdio server through the gateway, beside the least program that does the same.',
  budgets: [
    { metric: 'rate to bridge, 16 connections', atLeast: 0.8 },
    { metric: 'rate to bridge, 4 connections, 64 KiB', atLeast: 0.8 },
  ],

  async run({ quick, programs }) {
    const targets = new Map([['bridge', await startBridge(stdioUpstream())]]);
    for (const [label, program] of programs) targets.set(label, await startReadyGateway(program, { mcpServers: { bench: stdioEntry() } }));

    const rows = [];
    const metrics = {};
    const [[name], ...others] = programs;
    for (const { connections, call, suffix } of CASES) {
      const label = countConnections(connections) + suffix;
      const samples = await compareTargets(targets, { connections, call, quick });
      rows.push(...toRows(samples, label));
      metrics[`p50 to bridge, ${label}`] = ratio(samples, 'p50Us', { of: name, to: 'bridge' });
      metrics[`rate to bridge, ${label}`] = ratio(samples, 'callsPerSecond', { of: name, to: 'bridge' });
      metrics[`CPU per call to bridge, ${label}`] = ratio(samples, 'cpuUs', { of: name, to: 'bridge' });
      for (const [other] of others) metrics[`CPU per call to ${other}, ${label}`] = ratio(samples, 'cpuUs', { of: name, to: other });
    }
    for (const process of targets.values()) await process.stop();
    return { rows, metrics };
  },
};
