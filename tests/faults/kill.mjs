// What is left of a gateway that is killed while it works.
//   node tests/faults/kill.mjs [--times 200]
// Clients call a gateway whose audit is durable, and it is killed at a random moment, again and again over one data folder.
// Every call that was answered must be in the audit, whose chain must verify, and the next start must answer by itself.
// Exits with 1 when a record is missing, the chain is broken, or a restart took more than a second.
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { callTool, median, pause, serve, writeConfig } from './support/script.mjs';

const { values } = parseArgs({ options: { times: { type: 'string', default: '200' } } });
const CLIENTS = 16;
const MAX_RESTART_MS = 1_000;

const place = await writeConfig({ mcpServers: { time: { module: '@signalbox/module-time' } }, audit: { durable: true } });
const answered = new Set();
const restarts = [];
let problems = 0;
for (let time = 1; time <= Number(values.times); time += 1) {
  const begun = performance.now();
  const gateway = await serve(place);
  await callOnce(gateway.url, new Agent(), `${time}-first`);
  if (time > 1) restarts.push(performance.now() - begun);
  const end = new AbortController();
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let call = 0; !end.signal.aborted; call += 1) {
      try {
        await callOnce(gateway.url, agent, `${time}-${client}-${call}`);
      } catch {
        // It was killed, and whatever this call was, it was not answered.
        break;
      }
    }
    agent.destroy();
  });
  await pause(50 + Math.random() * 350);
  await gateway.stop('SIGKILL');
  end.abort();
  await Promise.all(clients);
}
const gateway = await serve(place);
const { adminUrl, token } = JSON.parse(await readFile(path.join(place.folder, 'data', 'gateway.json'), 'utf8'));
const ask = async (route) => (await fetch(`${adminUrl}api/v1${route}`, { headers: { authorization: `Bearer ${token}` } })).json();
const verdict = await ask('/audit/verify');
check(verdict.isSound, `the chain is broken: ${JSON.stringify(verdict)}`);
check((await ask('/state/verify')).isSound, 'the events of the state do not add up');
const kept = new Set();
for (let cursor = ''; cursor !== undefined;) {
  const { entries, next } = await ask(`/audit?limit=1000&kind=call${cursor}`);
  for (const { record } of entries) kept.add(record.client);
  cursor = next === undefined ? undefined : `&cursor=${next}`;
}
const missing = [...answered].filter((key) => !kept.has(key));
check(missing.length === 0, `${missing.length} answered calls are not in the audit, such as ${missing[0]}`);
const slowest = Math.max(...restarts);
check(slowest <= MAX_RESTART_MS, `a restart took ${Math.round(slowest)} ms`);
await gateway.stop();
await place.remove();
console.log(
  `${values.times} × SIGKILL: ${answered.size} calls answered, ${missing.length} missing in the audit; ${verdict.chains[0].last} records, ${verdict.isSound ? 'sound' : 'broken'}; from start to first answer p50 ${Math.round(median(restarts))} ms, max ${Math.round(slowest)} ms`,
);
process.exitCode = problems === 0 ? 0 : 1;

async function callOnce(url, agent, client) {
  await callTool(url, { agent, name: 'get_current_time', args: { timezone: 'UTC' }, client });
  answered.add(client);
}

function check(isGood, problem) {
  if (isGood) return;
  problems += 1;
  console.log(problem);
}
