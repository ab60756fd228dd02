// A scripted agent: it is given things to do in people's words, finds the tool by `search_tools`, reads its definition and calls it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { encode } from 'gpt-tokenizer';
import { SERVERS, TASKS } from './domains.mjs';

const program = fileURLToPath(import.meta.resolve('signalbox/bin/signalbox.js'));
const WAIT_MS = 30_000;
/** Tools that are shown at first, and when the right one was not among them. */
const LIMITS = [5, 20];
/** Time between two tasks, as there would be in life: what was learned is published every second. */
const PAUSE_MS = 10;

/**
 * Does the tasks one by one with a gateway of its own; before the one that `catchUpAt` tells it waits until learning has learned
 * from all that came before.
 * @returns for each task the place at which the right tool was shown first (0 when it was not), tokens that the agent read, calls, ms.
 */
export async function work({ learning, tasks, kinds = TASKS.length, seed = 7, catchUpAt = -1 }) {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-learning-'));
  const module = fileURLToPath(new URL('catalogue.mjs', import.meta.url));
  const mcpServers = Object.fromEntries(SERVERS.map((server) => [server, { module, config: { server } }]));
  const config = join(folder, 'signalbox.json');
  await writeFile(config, JSON.stringify({ mcpServers, surface: 'search', learning: { enabled: learning } }));
  const gateway = spawn(process.execPath, [program, 'serve', '--json', '--config', config, '--port', '0', '--data', join(folder, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(gateway, 'exit');
  try {
    const client = new Client({ name: 'agent', version: '1' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new StreamableHTTPClientTransport(new URL(await untilReady(gateway.stdout))));
    const random = createRandom(seed);
    const wanted = shuffled(TASKS, random).slice(0, kinds);
    const results = [];
    for (let index = 0; index < tasks; index++) {
      if (learning && index === catchUpAt) await catchUp(join(folder, 'data'));
      // Some things are wanted far more often than others.
      const task = wanted[Math.floor(random() ** 2 * wanted.length)];
      results.push(await doTask(client, task, task.asked[Math.floor(random() * task.asked.length)]));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    await client.close();
    return results;
  } finally {
    gateway.kill();
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
}

async function doTask(client, { server, tool, plain }, asked) {
  const begun = performance.now();
  const result = { place: 0, tokens: 0, calls: 0, ms: 0 };
  const call = async (name, args) => {
    const answer = await client.callTool({ name, arguments: args });
    result.calls++;
    result.tokens += encode(answer.content.map(({ text }) => text ?? '').join('\n')).length + encode(JSON.stringify(args)).length;
    return answer.structuredContent;
  };
  const find = async (need, limit) => {
    const { matches } = (await call('search_tools', { needs: [need], limit })).results[0];
    const place = matches.findIndex(({ name, upstream }) => name.endsWith(tool) && (upstream ?? server) === server);
    return place < 0 ? undefined : { name: matches[place].name, place: place + 1 };
  };
  let found = await find(asked, LIMITS[0]);
  result.place = found?.place ?? 0;
  // Not among the first: the agent asks for more, and at last says it in the words of the tool itself.
  found ??= await find(asked, LIMITS[1]);
  found ??= await find(plain, LIMITS[1]);
  if (found !== undefined) {
    await call('describe_tool', { names: [found.name] });
    await call('call_tool', { name: found.name, arguments: {} });
  }
  result.ms = performance.now() - begun;
  return result;
}

/** On a busy machine the thread that learns may come late. */
async function catchUp(data) {
  const { url, token } = JSON.parse(await readFile(join(data, 'gateway.json'), 'utf8'));
  for (let waitedMs = 0; waitedMs < 2 * WAIT_MS; waitedMs += 100) {
    const response = await fetch(new URL('/api/v1/learning', url), { headers: { authorization: `Bearer ${token}` } });
    const { facts, adviceVersion } = await response.json();
    if (facts.learned >= facts.written && adviceVersion >= facts.learned) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('Learning does not catch up');
}

function untilReady(stdout) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The gateway did not get ready: ${text}`)), WAIT_MS);
    let text = '';
    stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      const url = /http:\/\/[^"\s]+\/mcp/.exec(text)?.[0];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

/** Numbers from 0 to 1 that are the same for the same seed. */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value ^= value + Math.imul(value ^ (value >>> 7), 61 | value);
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function shuffled(items, random) {
  return items
    .map((item) => [random(), item])
    .toSorted(([a], [b]) => a - b)
    .map(([, item]) => item);
}
