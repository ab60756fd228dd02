// What is left after many clients have come and gone, and after the gateway is killed.
//   node tests/faults/cycles.mjs [--cycles 1000] [--stdio-cycles 100] [--concurrency 2]
// A cycle over HTTP connects to one gateway, calls a tool and leaves, in the two generations of the protocol by turns.
// A cycle over stdio does the same with a `signalbox stdio` of its own, which is a gateway with upstreams of its own.
// Exits with 1 when a process, a handle or a session is left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  PROGRAM,
  countHandles,
  createClient,
  descendantsOf,
  isAlive,
  pause,
  residentBytes,
  serve,
  stdioEntry,
  writeConfig,
} from './support/script.mjs';

const { values } = parseArgs({
  options: {
    cycles: { type: 'string', default: '1000' },
    'stdio-cycles': { type: 'string', default: '100' },
    concurrency: { type: 'string', default: '2' },
  },
});
const concurrency = Number(values.concurrency);
const MIB = 1024 * 1024;
const WARM_CYCLES = 1_200;
const SETTLE_MS = 2_000;
const SURVIVAL_MS = 5_000;

const stopSoon = { timeouts: { stopMs: 500 } };
const place = await writeConfig({
  mcpServers: {
    good: stdioEntry('good'),
    stubborn: stdioEntry('stubborn', 'stubborn_', stopSoon),
    daemon: stdioEntry('daemon', 'daemon_', stopSoon),
  },
});
const small = await writeConfig({ mcpServers: { good: stdioEntry('good') } });
// The signal has the program write a snapshot of its heap, for which V8 first collects all garbage.
const gateway = await serve(place, ['--heapsnapshot-signal=SIGUSR2']);
let problems = 0;

await pause(1_000);
// Enough for the journal, which keeps the last thousand calls, to be full.
await repeat(WARM_CYCLES, httpCycle);
await retainedBytes();
const before = await observe();
console.log(`before: ${describe(before)}`);

const http = await timed(() => repeat(Number(values.cycles), httpCycle));
const after = await observe();
console.log(`after ${values.cycles} cycles over HTTP in ${http} s: ${describe(after)}`);
const growth = after.retained - before.retained;
console.log(`retained: ${growth >= 0 ? '+' : ''}${growth} bytes, ${(growth / Number(values.cycles)).toFixed(1)} a cycle`);
check(after.children.join() === before.children.join(), 'other children than before');
check(Math.abs(after.handles - before.handles) <= 3, 'other handles than before');
check(after.sessions === 0, 'sessions are left');

const seen = new Set();
const stdio = await timed(() => repeat(Number(values['stdio-cycles']), stdioCycle));
const left = [...seen].filter(isAlive);
console.log(`${values['stdio-cycles']} cycles over stdio in ${stdio} s: ${seen.size} processes seen, ${left.length} left`);
check(left.length === 0, 'processes of stdio cycles are left');

const pids = new Set(descendantsOf(gateway.pid));
const client = createClient(gateway.url);
await client.open();
for (const name of ['pids', 'stubborn_pids', 'daemon_pids']) {
  const { result } = await client.call(name, {});
  for (const pid of JSON.parse(result.content[0].text)) pids.add(pid);
}
await client.close();
const killedAt = performance.now();
await gateway.stop('SIGKILL');
while ([...pids].some(isAlive) && performance.now() - killedAt < SURVIVAL_MS) await pause(10);
const survivors = [...pids].filter(isAlive);
console.log(
  `kill -9 of the gateway: ${pids.size} processes, ${survivors.length} alive after ${Math.round(performance.now() - killedAt)} ms`,
);
check(survivors.length === 0, 'children survive the gateway');

await Promise.all([place.remove(), small.remove()]);
process.exitCode = problems === 0 ? 0 : 1;

async function httpCycle(index) {
  const client = createClient(gateway.url);
  if (index % 2 === 0) await client.open();
  const { result } = index % 2 === 0 ? await client.call('echo', { text: 'hi' }) : await client.callModern('echo', { text: 'hi' });
  if (result?.content[0].text !== 'hi') throw new Error('Another answer than the right one');
  await client.close();
}

async function stdioCycle(index) {
  const args = [PROGRAM, 'stdio', '--config', small.file, '--data', path.join(small.folder, `data-${index % concurrency}`)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (id, method, params) => {
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    for (;;) {
      const { value, done } = await answers.next();
      if (done) throw new Error('It ended before it answered');
      const message = JSON.parse(value);
      if (message.id === id) return message;
    }
  };
  await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'cycle', version: '1.0.0' } });
  const { result } = await ask(2, 'tools/call', { name: 'echo', arguments: { text: 'hi' } });
  if (result?.content[0].text !== 'hi') throw new Error('Another answer than the right one');
  for (const pid of [child.pid, ...descendantsOf(child.pid)]) seen.add(pid);
  child.stdin.end();
  const [code] = await closed;
  check(code === 0, `signalbox stdio ended with code ${code}`);
}

/** Runs a cycle many times, a few side by side. */
async function repeat(count, cycle) {
  let next = 0;
  const work = async () => {
    while (next < count) await cycle(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, work));
}

async function observe() {
  await pause(SETTLE_MS);
  const children = descendantsOf(gateway.pid);
  const handles = countHandles(gateway.pid);
  const resident = residentBytes(gateway.pid);
  return { children, handles, resident, sessions: await openSessions(), retained: await retainedBytes() };
}

async function openSessions() {
  const { adminUrl, token } = JSON.parse(await readFile(path.join(place.folder, 'data', 'gateway.json'), 'utf8'));
  const answer = await fetch(new URL('/api/v1/status', adminUrl), { headers: { authorization: `Bearer ${token}`, connection: 'close' } });
  return (await answer.json()).sessions.open;
}

/** Bytes of all objects that are reachable in the gateway, without the machine code V8 goes on to make of its functions. */
async function retainedBytes() {
  process.kill(gateway.pid, 'SIGUSR2');
  const snapshot = await readSnapshot();
  const { node_fields: fields, node_types: types } = snapshot.snapshot.meta;
  const size = fields.indexOf('self_size');
  const isOfV8 = types[0].map((type) => type === 'code' || type === 'hidden');
  let total = 0;
  for (let node = 0; node < snapshot.nodes.length; node += fields.length) {
    if (!isOfV8[snapshot.nodes[node]]) total += snapshot.nodes[node + size];
  }
  return total;
}

async function readSnapshot() {
  for (let attempt = 0; attempt < 300; attempt++) {
    await pause(100);
    const name = (await readdir(place.folder)).find((entry) => entry.endsWith('.heapsnapshot'));
    if (name === undefined) continue;
    const file = path.join(place.folder, name);
    const text = await readFile(file, 'utf8');
    // It is written bit by bit, and ends like this.
    if (!text.trimEnd().endsWith(']}')) continue;
    await rm(file);
    return JSON.parse(text);
  }
  throw new Error('The gateway wrote no snapshot of its heap');
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return ((performance.now() - startedAt) / 1000).toFixed(1);
}

function describe({ children, handles, resident, sessions, retained }) {
  return `${children.length} children, ${handles} handles, ${sessions} sessions, RSS ${(resident / MIB).toFixed(1)} MiB, ${(retained / MIB).toFixed(2)} MiB of objects`;
}

function check(isGood, what) {
  if (isGood) return;
  problems++;
  console.log(`PROBLEM: ${what}`);
}
