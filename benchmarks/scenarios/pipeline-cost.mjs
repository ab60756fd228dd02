import { createDesiredState } from '../../packages/control-plane/dist/index.js';
import { Cancellation, RawJson, parseGatewayConfig, silentLogger, systemClock } from '../../packages/core/dist/index.js';
import { createDataPlane, outcomeCodec } from '../../packages/data-plane/dist/index.js';
import { openMemory, toParams } from '../../packages/protocol/dist/index.js';
import { createAnswerCache, createMemoryCache, createMemoryDocuments } from '../../packages/storage/dist/index.js';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { summarize } from '../lib/statistics.mjs';

const MODERN = '2026-07-28';
const CLIENT = { revision: MODERN, info: { name: 'benchmark', version: '1' }, capabilities: {}, logLevel: 'off' };

export const benchmark = {
  name: 'pipeline-cost',
  about:
    'A call to a tool in this process through every stage of the pipeline, and over the bare connection it ends at. Nothing is sent or parsed.',
  budgets: [{ metric: 'µs per call added by the pipeline', atMost: 4 }],

  async run({ quick }) {
    const dataPlane = await startDataPlane();
    const connection = openMemory(echo, { upstream: 'echo', onNotification: () => undefined });
    const ways = {
      pipeline: () => dataPlane.handler.request(toRequest()),
      connection: () => connection.request(toRequest()),
    };
    const calls = quick ? 20_000 : 100_000;
    for (const way of Object.values(ways)) await measure(way, calls);
    const samples = await alternate(Object.keys(ways), { rounds: quick ? 3 : 9, measure: (variant) => measure(ways[variant], calls) });
    await connection.close();
    await dataPlane.close();
    const added = samples.get('pipeline').map(({ cpuUs }, round) => cpuUs - samples.get('connection')[round].cpuUs);
    return {
      rows: toRows(samples),
      metrics: {
        'µs per call added by the pipeline': summarize(added),
        'pipeline to connection': ratio(samples, 'cpuUs', { of: 'pipeline', to: 'connection' }),
      },
    };
  },
};

async function measure(call, calls) {
  const before = process.cpuUsage();
  for (let count = 0; count < calls; count++) {
    const outcome = await call();
    if (outcome.kind !== 'result' || outcome.isError) throw new Error(`A call failed: ${JSON.stringify(outcome)}`);
  }
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: (user + system) / calls };
}

// Written whole: what spreading an object costs would be counted as the connection's.
function toRequest() {
  return {
    method: 'tools/call',
    params: toParams({ name: 'echo', arguments: { text: 'hello', count: 3 } }),
    client: CLIENT,
    principal: 'local',
    session: undefined,
    ask: undefined,
    mirrored: undefined,
    timeoutMs: 60_000,
    cancellation: new Cancellation(),
    emit: undefined,
    wantsProgress: false,
  };
}

async function startDataPlane() {
  const state = createDesiredState({ initial: parseGatewayConfig({ mcpServers: { echo: { module: 'echo' } } }) });
  const dataPlane = await createDataPlane({
    state,
    documents: createMemoryDocuments(),
    cache: createMemoryCache({ maxBytes: 1_000_000, clock: systemClock }),
    answers: createAnswerCache({ memoryBytes: 1_000_000, ...outcomeCodec, clock: systemClock, logger: silentLogger }),
    journal: { write: () => undefined },
    open: async ({ desired, onNotification }) => ({
      connection: openMemory(echo, { upstream: desired.name, onNotification }),
      pid: undefined,
      stderr: () => [],
    }),
    clock: systemClock,
    logger: silentLogger,
    info: { name: 'benchmark', version: '1' },
  });
  dataPlane.start();
  await dataPlane.handler.request({ ...toRequest(), method: 'tools/list', params: new Map() });
  return dataPlane;
}

const INPUT_SCHEMA = {
  type: 'object',
  properties: { text: { type: 'string' }, count: { type: 'integer', minimum: 0 } },
  required: ['text'],
  additionalProperties: false,
};

const echo = {
  describe: () => ({ info: { name: 'echo', version: '1' }, capabilities: { tools: {} }, instructions: undefined }),
  watch: () => () => undefined,
  subscribe: () => () => undefined,
  request: ({ method }) =>
    method === 'tools/list' ? resultOf({ tools: [{ name: 'echo', inputSchema: INPUT_SCHEMA }] }) : resultOf({ content: [] }),
};

function resultOf(result) {
  return {
    kind: 'result',
    result: RawJson.fromValue({ resultType: 'complete', ...result }),
    resultType: 'complete',
    isError: false,
    revision: MODERN,
  };
}
