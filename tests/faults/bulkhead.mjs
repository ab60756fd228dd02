// How much calls to one upstream suffer while another one hangs with all its slots taken and its queue full.
//   node tests/faults/bulkhead.mjs [--rounds 40] [--seconds 0.5] [--connections 2]
// Rounds with and without the hung upstream take turns. Prints every round, the medians and their ratio.
import { parseArgs } from 'node:util';
import { createClient, median, pause, serve, stdioEntry, writeConfig } from './support/script.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '40' },
    seconds: { type: 'string', default: '0.5' },
    connections: { type: 'string', default: '2' },
  },
});
const rounds = Number(values.rounds);
const sliceMs = Number(values.seconds) * 1000;

const SLOTS = 2;
const QUEUED = 2;

const place = await writeConfig({
  mcpServers: { good: stdioEntry('good'), bad: stdioEntry('silent-call', 'bad_', { maxConcurrent: SLOTS, maxQueued: QUEUED }) },
});
const gateway = await serve(place);
const clients = await Promise.all(
  Array.from({ length: Number(values.connections) }, async () => {
    const client = createClient(gateway.url);
    await client.open();
    return client;
  }),
);
await pause(500);
await load(3_000);

const samples = { quiet: [], hung: [] };
for (let round = 0; round < rounds; round++) {
  const order = round % 2 === 0 ? ['quiet', 'hung'] : ['hung', 'quiet'];
  const measured = {};
  for (const variant of order) {
    const release = variant === 'hung' ? await hang() : () => undefined;
    measured[variant] = await load(sliceMs);
    samples[variant].push(measured[variant]);
    await release();
  }
  const { quiet, hung } = measured;
  console.log(
    `round ${String(round + 1).padStart(2)}: p50 ${show(quiet.p50)} quiet, ${show(hung.p50)} hung; p99 ${show(quiet.p99)} quiet, ${show(hung.p99)} hung`,
  );
}

for (const metric of ['p50', 'p99']) {
  const [quiet, hung] = ['quiet', 'hung'].map((variant) => median(samples[variant].map((sample) => sample[metric])));
  const ratios = samples.hung.map((sample, round) => sample[metric] / samples.quiet[round][metric]);
  console.log(
    `median ${metric}: ${show(quiet)} quiet, ${show(hung)} hung; ratio of medians ${(hung / quiet).toFixed(3)}, median of ratios ${median(ratios).toFixed(3)}`,
  );
}
console.log(`${samples.quiet.length * 2} slices of ${sliceMs} ms, ${median(samples.quiet.map(({ count }) => count))} calls in a quiet one`);

for (const client of clients) await client.close();
await gateway.stop();
await place.remove();

/** Calls the good upstream over every connection, one call after another, and sums up how long each took. */
async function load(durationMs) {
  const times = [];
  const endAt = performance.now() + durationMs;
  await Promise.all(
    clients.map(async (client) => {
      for (let now = performance.now(); now < endAt;) {
        const { result } = await client.call('echo', { text: 'hi' });
        if (result?.content[0].text !== 'hi') throw new Error('The good upstream gave another answer');
        const then = now;
        now = performance.now();
        times.push(now - then);
      }
    }),
  );
  times.sort((left, right) => left - right);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
  return { p50: at(0.5), p99: at(0.99), count: times.length };
}

/** Takes every slot of the hung upstream and fills its queue. Returns what lets go of them. */
async function hang() {
  const leave = new AbortController();
  const callers = Array.from({ length: SLOTS + QUEUED }, () => createClient(gateway.url));
  const calls = callers.map((caller) => caller.callModern('bad_echo', { text: 'x' }, leave.signal).catch((error) => error));
  await pause(100);
  const { error } = await createClient(gateway.url).callModern('bad_echo', { text: 'x' });
  if (error?.data?.reason !== 'OVERLOADED') throw new Error(`The hung upstream still takes calls: ${JSON.stringify(error)}`);
  return async () => {
    leave.abort();
    await Promise.all(calls);
    for (const caller of callers) await caller.close();
    await pause(100);
  };
}

function show(ms) {
  return `${(ms * 1000).toFixed(0)} µs`;
}
