// What clients notice of a gateway that ends.
//   node tests/faults/drain.mjs [--times 100] [--rate 1000] [--workers 1]
// Starts a gateway, has clients call it at a steady rate, some of the calls for two seconds each, and ends it with SIGTERM
// at a random moment. A call that was begun must be answered; a connection that is refused began none.
// Exits with 1 when a call failed, a child is left, or the gateway did not end with code 0.
import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { callTool, descendantsOf, isAlive, median, pause, serve, stdioEntry, writeConfig } from './support/script.mjs';

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1000' },
    workers: { type: 'string', default: '1' },
  },
});
const rate = Number(values.rate);
const SLOW_SHARE = 0.02;
const SLOW_MS = 2_000;
const TICK_MS = 5;

const place = await writeConfig({ mcpServers: { good: stdioEntry('good') }, listen: { workers: Number(values.workers) } });
const drains = [];
let made = 0;
let failed = 0;
let problems = 0;
for (let time = 1; time <= Number(values.times); time += 1) {
  const gateway = await serve(place);
  await warm(gateway.url);
  const load = startLoad(gateway.url);
  await pause(300 + Math.random() * 400);
  const children = descendantsOf(gateway.pid);
  const inFlight = load.inFlight();
  const begun = performance.now();
  const [code, signal] = await gateway.stop();
  drains.push(performance.now() - begun);
  const { calls, failures } = await load.end();
  made += calls;
  failed += failures.length;
  const left = children.filter(isAlive);
  if (failures.length > 0)
    report(`time ${time}: ${failures.length} of ${calls} calls failed with ${inFlight} in flight: ${[...new Set(failures)].join('; ')}`);
  if (left.length > 0) report(`time ${time}: ${left.length} children are left`);
  if (code !== 0) report(`time ${time}: ended with ${signal ?? code}`);
}
await place.remove();
const sorted = drains.toSorted((left, right) => left - right);
console.log(
  `${values.times} × SIGTERM at ${rate} calls/s (${values.workers} worker): ${made} calls, ${failed} failed; drain p50 ${Math.round(median(drains))} ms, max ${Math.round(sorted.at(-1))} ms`,
);
process.exitCode = problems === 0 ? 0 : 1;

function report(text) {
  problems += 1;
  console.log(text);
}

async function warm(url) {
  const agent = new Agent();
  for (let call = 0; call < 20; call += 1) await callTool(url, { agent, name: 'echo', args: { text: 'warm' } });
}

function startLoad(url) {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const failures = [];
  const pending = new Set();
  let calls = 0;
  let isOver = false;
  let owed = 0;
  const callOnce = async (isSlow) => {
    calls += 1;
    try {
      await (isSlow
        ? callTool(url, { agent, name: 'sleep', args: { ms: SLOW_MS } })
        : callTool(url, { agent, name: 'echo', args: { text: 'hello' } }));
    } catch (error) {
      // Nobody listens any more, so nothing was begun; whoever sends now goes elsewhere.
      if (error.code === 'ECONNREFUSED') {
        isOver = true;
        calls -= 1;
      } else failures.push(error.message);
    }
  };
  const timer = setInterval(() => {
    if (isOver) return;
    owed += (rate * TICK_MS) / 1000;
    for (; owed >= 1; owed -= 1) {
      const call = callOnce(Math.random() < SLOW_SHARE);
      pending.add(call);
      void call.then(() => pending.delete(call));
    }
  }, TICK_MS);
  return {
    inFlight: () => pending.size,
    async end() {
      isOver = true;
      clearInterval(timer);
      await Promise.all(pending);
      agent.destroy();
      return { calls, failures };
    },
  };
}
