import { callEcho } from '../lib/calls.mjs';
import { openClient } from '../lib/compare.mjs';
import { openMany, runLoad } from '../lib/load.mjs';
import { alternate, ratio, toRows } from '../lib/rounds.mjs';
import { quantile, summarize } from '../lib/statistics.mjs';
import { startReadyGateway, startUpstreams } from '../lib/targets.mjs';

const SLOTS = 8;
const WAIT_MS = 20;
const QUEUED = 16;
const TIMES = 5;
const CLIENTS = 200;
const CONNECTIONS = 64;

export const benchmark = {
  name: 'overload',
  about:
    `An upstream that may have ${SLOTS} calls at once, of ${WAIT_MS} ms each, and ${QUEUED} in line: what it does for as many clients as it has room for, and ` +
    `for ${TIMES} times as many calls as that, arriving whether or not others are answered. And ${TIMES} times as many connections as keep the gateway busy.`,
  budgets: [
    { metric: 'good calls to capacity', atLeast: 0.9 },
    { metric: 'p99 of a refusal, ms', atMost: 50 },
    { metric: 'answers that were neither', atMost: 0 },
    { metric: `rate with ${TIMES * CONNECTIONS} connections to ${CONNECTIONS}`, atLeast: 0.9 },
  ],

  async run({ quick, programs }) {
    const [[, program]] = programs;
    const upstreams = await startUpstreams();
    const url = upstreams.url(6);
    const narrow = await startReadyGateway(program, { mcpServers: { bench: { url, maxConcurrent: SLOTS, maxQueued: QUEUED } } }, ['wait']);
    const clients = await openMany(CLIENTS, () => openClient(narrow));
    const durationMs = quick ? 1000 : 4000;
    const regular = clients.slice(0, SLOTS + QUEUED);
    let capacity = 0;
    const ways = {
      'as many as there is room for': async () => {
        const { callsPerSecond, p99Us } = await runLoad(regular, { call: callWait, durationMs });
        capacity = callsPerSecond;
        return { goodPerSecond: callsPerSecond, goodP99Ms: p99Us / 1000 };
      },
      [`${TIMES} times that`]: () => arrive(clients, { perSecond: TIMES * capacity, durationMs }),
    };
    const [within, beyond] = Object.keys(ways);
    await ways[within]();
    await ways[beyond]();
    const samples = new Map([
      [within, []],
      [beyond, []],
    ]);
    // What is offered depends on what was done just before, so the order stays.
    for (let round = 0; round < (quick ? 3 : 7); round++) for (const way of [within, beyond]) samples.get(way).push(await ways[way]());
    for (const client of clients) client.close();
    await narrow.stop();

    const wide = await startReadyGateway(program, { mcpServers: { bench: { url } } });
    const many = await openMany(TIMES * CONNECTIONS, () => openClient(wide));
    const groups = { [`${CONNECTIONS} connections`]: many.slice(0, CONNECTIONS), [`${many.length} connections`]: many };
    await runLoad(many, { call: callEcho, durationMs: quick ? 1000 : 5000 });
    const busy = await alternate(Object.keys(groups), {
      rounds: quick ? 3 : 7,
      measure: (variant) => runLoad(groups[variant], { call: callEcho, durationMs: quick ? 400 : 1000, pid: wide.pid }),
    });
    for (const client of many) client.close();
    await wide.stop();
    await upstreams.stop();
    const over = samples.get(beyond);
    const [few, all] = Object.keys(groups);
    return {
      rows: [...toRows(samples), ...toRows(busy)],
      metrics: {
        'good calls to capacity': ratio(samples, 'goodPerSecond', { of: beyond, to: within }),
        'p99 of a refusal, ms': summarize(over.map(({ refusedP99Ms }) => refusedP99Ms)),
        'answers that were neither': summarize(over.map(({ wrong }) => wrong)),
        [`rate with ${many.length} connections to ${CONNECTIONS}`]: ratio(busy, 'callsPerSecond', { of: all, to: few }),
      },
    };
  },
};

/** Sends calls at a steady pace. A client that still waits when its turn comes lets the next free one take it. */
async function arrive(clients, { perSecond, durationMs }) {
  const free = [...clients];
  const good = [];
  const refused = [];
  let wrong = 0;
  const open = new Set();
  const send = async (client) => {
    const sentAt = performance.now();
    try {
      await callWait(client);
      good.push(performance.now() - sentAt);
    } catch (error) {
      if (/try again later/.test(error.message)) refused.push(performance.now() - sentAt);
      else wrong++;
    }
    free.push(client);
  };
  const startedAt = performance.now();
  for (let sent = 0; ;) {
    const elapsed = performance.now() - startedAt;
    if (elapsed > durationMs) break;
    for (; sent < (elapsed * perSecond) / 1000 && free.length > 0; sent++) {
      const call = send(free.pop()).finally(() => open.delete(call));
      open.add(call);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const goodInTime = good.length;
  const refusedInTime = refused.length;
  await Promise.all(open);
  return {
    goodPerSecond: goodInTime / seconds,
    refusedPerSecond: refusedInTime / seconds,
    goodP99Ms: quantile(good, 0.99),
    refusedP99Ms: quantile(refused, 0.99),
    wrong,
  };
}

async function callWait(client) {
  if ((await client.call('wait', { ms: WAIT_MS })) !== 'waited') throw new Error('The answer was wrong');
}
