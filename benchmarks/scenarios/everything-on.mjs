import path from 'node:path';
import { callEcho } from '../lib/calls.mjs';
import { compareTargets, countConnections } from '../lib/compare.mjs';
import { CORES, start } from '../lib/processes.mjs';
import { ratio, toRows } from '../lib/rounds.mjs';
import { startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const SINK = path.resolve(import.meta.dirname, '../servers/otlp-sink.mjs');
const CASES = [16, 64];
const SCRAPE_MS = 1_000;

export const benchmark = {
  name: 'everything-on',
  about:
    'tools/call to an HTTP upstream: with nothing recorded, as it is by default (the audit in its store), and with everything on: payloads sealed beside the audit, every call traced and logged, metrics exported and scraped every second.',
  budgets: CASES.flatMap((connections) => [
    { metric: `rate with everything on to nothing, ${countConnections(connections)}`, atLeast: 0.85 },
    { metric: `rate by default to nothing, ${countConnections(connections)}`, atLeast: 0.9 },
  ]),

  async run({ quick, programs }) {
    const upstreams = await startUpstreams();
    const sink = await start([process.execPath, SINK], { core: CORES?.load, ready: /\{"port":(\d+)\}/ });
    const url = `http://127.0.0.1:${sink.match[1]}`;
    const mcpServers = { bench: { url: upstreams.url(6) } };
    const [[, program]] = programs;
    const started = [upstreams, sink];
    const targets = new Map();
    for (const [variant, config] of Object.entries(configs(url))) {
      const gateway = await startReadyGateway(program, { mcpServers, ...config });
      started.push(gateway);
      targets.set(variant, gateway);
    }
    const metricsUrl = new URL('/metrics', targets.get('everything on').url);
    const scraping = setInterval(() => void scrape(metricsUrl), SCRAPE_MS);
    const rows = [];
    const metrics = {};
    for (const connections of CASES) {
      const samples = await compareTargets(targets, { connections, call: callEcho, quick });
      const label = countConnections(connections);
      rows.push(...toRows(samples, label));
      for (const [name, of] of [
        ['with everything on', 'everything on'],
        ['by default', 'default'],
      ]) {
        metrics[`rate ${name} to nothing, ${label}`] = ratio(samples, 'callsPerSecond', { of, to: 'nothing recorded' });
        metrics[`CPU per call ${name} to nothing, ${label}`] = ratio(samples, 'cpuUs', { of, to: 'nothing recorded' });
      }
    }
    clearInterval(scraping);
    for (const process of started.toReversed()) await process.stop();
    return { rows, metrics };
  },
};

function configs(url) {
  return {
    'nothing recorded': { audit: { enabled: false }, telemetry: { prometheus: { enabled: false } } },
    default: {},
    'everything on': {
      audit: { payloads: 'sealed' },
      log: { file: 'gateway.log', calls: true },
      telemetry: { traces: { url }, metrics: { url, intervalSeconds: 1 } },
    },
  };
}

async function scrape(url) {
  const response = await fetch(url);
  await response.text();
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
}
