import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { groups } from './checks/all.mjs';
import { compareWithKnown, readKnownFailures } from './known.mjs';
import { describeCheck, describeTable } from './report.mjs';
import { runCell } from './run-cell.mjs';
import { runMatrix } from './run-matrix.mjs';

const usage = `usage: run.mjs --signalbox | --gateway <target.mjs> | --url <gateway> --direct <server>
  --only <group,…>        only these groups: ${groups.join(', ')}
  --transport http|stdio  only servers reached in this way (with --url: what to call the way of the gateway to its server)
  --server modern|handshake, --client modern|handshake   only these generations
  --prefix <text>         what the gateway puts in front of the names of tools and prompts
  --calls <number>        calls of the check with 64 callers (20000)
  --known <file>          checks that are known to fail; one that does not fail is told, too
  --json                  the results as JSON
  --failures              only what fails`;

const { values } = parseArgs({
  options: {
    signalbox: { type: 'boolean', default: false },
    gateway: { type: 'string' },
    url: { type: 'string' },
    direct: { type: 'string' },
    only: { type: 'string' },
    transport: { type: 'string' },
    server: { type: 'string' },
    client: { type: 'string' },
    prefix: { type: 'string', default: '' },
    calls: { type: 'string', default: '20000' },
    known: { type: 'string' },
    json: { type: 'boolean', default: false },
    failures: { type: 'boolean', default: false },
  },
});

const only = values.only?.split(',');
const isByUrl = values.url !== undefined && values.direct !== undefined;
const isUsable = [values.signalbox, values.gateway !== undefined, isByUrl].filter(Boolean).length === 1;
if (!isUsable || only?.some((group) => !groups.includes(group))) {
  process.stderr.write(`${usage}\n`);
  process.exitCode = 2;
} else await run();

async function run() {
  const print = (text) => values.json || process.stdout.write(`${text}\n`);
  const options = {
    only,
    calls: Number(values.calls),
    onCheck: (result, cell) => (values.failures && result.status !== 'fail') || print(describeCheck(result, cell)),
  };
  const results = isByUrl ? await runByUrl(options) : await runStarted(options);
  print(`\n${describeTable(results)}`);
  if (values.json)
    await writeFile('/dev/stdout', `${JSON.stringify(results, (_key, value) => (typeof value === 'symbol' ? undefined : value), 2)}\n`);
  const { unexpected, stale } = compareWithKnown(results, values.known === undefined ? [] : await readKnownFailures(values.known));
  if (values.known !== undefined) {
    for (const line of unexpected) print(`not known: ${line}`);
    for (const line of stale) print(`known, but ${line}`);
  }
  process.exitCode = unexpected.length + stale.length > 0 ? 1 : 0;
}

async function runStarted(options) {
  const target = values.signalbox ? new URL('targets/signalbox.mjs', import.meta.url) : pathToFileURL(values.gateway);
  const { startGateway } = await import(target.href);
  const one = (value) => (value === undefined ? undefined : [value]);
  return runMatrix({
    startGateway,
    transports: one(values.transport),
    servers: one(values.server),
    clients: one(values.client),
    ...options,
  });
}

async function runByUrl(options) {
  const { url, direct: directUrl, prefix, transport = 'url', server = 'modern' } = values;
  const clients = values.client === undefined ? ['modern', 'handshake'] : [values.client];
  const results = [];
  for (const client of clients) results.push(await runCell({ client, server, transport, url, directUrl, prefix }, options));
  return results;
}
