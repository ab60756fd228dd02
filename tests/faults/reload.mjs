// What callers notice while the wanted state changes.
//   node tests/faults/reload.mjs [--changes 500] [--rate 300]
// Clients call two upstreams at a steady rate while others are added, changed and removed, by the API and in the file, and
// invalid changes are refused. Then the gateway goes back to a version in the middle, is started again, and its state is
// rebuilt from its events. Exits with 1 when a call failed, an untouched upstream was restarted, or the state differs.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createClient, pause, serve, stdioEntry, writeConfig } from './support/script.mjs';

const { values } = parseArgs({ options: { changes: { type: 'string', default: '500' }, rate: { type: 'string', default: '300' } } });
const CLIENTS = 16;
const MODULE = { module: '@signalbox/module-time' };

const place = await writeConfig({ mcpServers: { one: stdioEntry('good'), two: stdioEntry('good', 'two_') } });
let gateway = await serve(place);
let ask = await createAdmin(place);
let problems = 0;

const load = await startLoad(gateway.url);
await pause(500);
const took = [];
let middle;
for (let number = 1; number <= Number(values.changes); number += 1) {
  const begun = performance.now();
  await change(number);
  took.push(performance.now() - begun);
  if (number === Math.floor(Number(values.changes) / 2)) middle = (await ask('GET', '/config')).body;
}
const { calls, failures } = await load.end();
check(failures.length === 0, `${failures.length} of ${calls} calls failed: ${[...new Set(failures)].slice(0, 3).join('; ')}`);
const { upstreams, stateVersion } = (await ask('GET', '/status')).body;
for (const name of ['one', 'two']) {
  const { starts } = upstreams.find((upstream) => upstream.name === name);
  check(starts === 1, `"${name}" was started ${starts} times`);
}
const sorted = took.toSorted((left, right) => left - right);
console.log(
  `${values.changes} changes to version ${stateVersion} under ${values.rate} calls/s: ${calls} calls, ${failures.length} failed; a change took p50 ${sorted[sorted.length >> 1].toFixed(1)} ms, max ${sorted.at(-1).toFixed(0)} ms`,
);

const back = await ask('POST', `/versions/${middle.version}/rollback`, { reason: 'as it was' });
check(back.status === 200, `going back failed: ${JSON.stringify(back.body)}`);
const now = (await ask('GET', '/config')).body;
check(JSON.stringify(now.config) === JSON.stringify(middle.config), 'the configuration is not the one gone back to');
await verify('after going back');
await gateway.stop();
gateway = await serve(place);
ask = await createAdmin(place);
const again = (await ask('GET', '/config')).body;
check(JSON.stringify(again.config) === JSON.stringify(middle.config), 'the configuration is another one after a restart');
check(again.version >= now.version, `versions went back from ${now.version} to ${again.version}`);
await verify('after a restart');
await gateway.stop();
await place.remove();
process.exitCode = problems === 0 ? 0 : 1;

async function verify(when) {
  const { body } = await ask('GET', '/state/verify');
  check(body.isSound === true, `the events do not add up ${when}: ${JSON.stringify(body)}`);
  console.log(`${when}: ${JSON.stringify(body)}`);
}

async function change(number) {
  const entry = (more = {}) => ({ op: 'set', path: 'mcpServers.extra', value: { ...MODULE, ...more } });
  const wanted = [
    [200, { operations: [entry()], reason: `change ${number}` }],
    [200, { operations: [entry({ timeouts: { callMs: 1000 + number } })] }],
    [400, { operations: [{ op: 'set', path: 'mcpServers.extra', value: { module: 7 } }] }],
    [200, { operations: [{ op: 'set', path: 'virtualServers.some', value: { upstreams: ['one'] } }] }],
    [409, { operations: [{ op: 'set', path: 'mcpServers.one', value: MODULE }] }],
    [200, { operations: [{ op: 'set', path: 'instructions', value: `Number ${number}` }], target: 'file' }],
    [200, { operations: [{ op: 'remove', path: 'virtualServers.some' }] }],
    [200, { operations: [{ op: 'remove', path: 'mcpServers.extra' }] }],
  ];
  const turn = (number - 1) % (wanted.length + 1);
  if (turn < wanted.length) {
    const [status, body] = wanted[turn];
    const answer = await ask('POST', '/changes', body);
    return check(
      answer.status === status,
      `change ${number} was answered with ${answer.status}: ${JSON.stringify(answer.body).slice(0, 300)}`,
    );
  }
  const { results, ...config } = JSON.parse(await readFile(place.file, 'utf8'));
  await writeFile(place.file, JSON.stringify(results === undefined ? { ...config, results: { maxInlineBytes: 100_000 } } : config));
  const answer = await ask('POST', '/reload');
  check(answer.status === 200, `a reload was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
}

async function createAdmin({ folder }) {
  const { adminUrl, token } = JSON.parse(await readFile(path.join(folder, 'data', 'gateway.json'), 'utf8'));
  return async (method, route, body) => {
    const response = await fetch(`${adminUrl}api/v1${route}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
}

async function startLoad(url) {
  const clients = Array.from({ length: CLIENTS }, () => createClient(url));
  for (const client of clients) await client.open();
  const failures = [];
  let calls = 0;
  const end = new AbortController();
  const loops = clients.map(async (client, index) => {
    const everyMs = (1000 * CLIENTS) / Number(values.rate);
    for (let next = performance.now() + (everyMs * index) / CLIENTS; !end.signal.aborted; next += everyMs) {
      await pause(Math.max(0, next - performance.now()));
      const tool = calls % 2 === 0 ? 'echo' : 'two_echo';
      calls += 1;
      try {
        const { result, error } = await client.call(tool, { text: 'hello' });
        if (result?.content?.[0]?.text !== 'hello') failures.push(JSON.stringify(error ?? result));
      } catch (error) {
        failures.push(error.message);
      }
    }
    await client.close();
  });
  return {
    async end() {
      end.abort();
      await Promise.all(loops);
      return { calls, failures };
    },
  };
}

function check(isGood, problem) {
  if (isGood) return;
  problems += 1;
  console.log(problem);
}
