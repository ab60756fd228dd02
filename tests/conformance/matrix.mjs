import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readBaseline, writeBaseline } from './baseline.mjs';
import { describeResult, runClientSuite, runSuite } from './run-suite.mjs';
import { baselinePath, clientCommand, clientSuites, serverSuites } from './suites.mjs';
import { startThroughGateway } from './through-gateway.mjs';

const usage = `usage: matrix.mjs [--side server|client] [--transport http|stdio] [--era both|handshake|modern] [--suite <name>] [--write]
  Runs the official suites through the gateway in every combination and prints how many checks pass.
  --write   writes the baselines anew: what passes now goes, what fails newly comes, with the words of the suite for a reason`;

const { values } = parseArgs({
  options: {
    side: { type: 'string' },
    transport: { type: 'string' },
    era: { type: 'string' },
    suite: { type: 'string' },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const timeoutMs = 300_000;
const rows = [];
const chosen = (wanted, all) => (wanted === undefined ? all : all.filter((each) => (each.name ?? each) === wanted));

if (values.help) process.stdout.write(`${usage}\n`);
else {
  if (values.side !== 'client') await runServerSide();
  if (values.side !== 'server') await runClientSide();
  printTable();
  process.exitCode = rows.every(({ result }) => result.ok) ? 0 : 1;
}

async function runServerSide() {
  for (const era of chosen(values.era, ['both', 'handshake', 'modern'])) {
    for (const transport of chosen(values.transport, ['http', 'stdio'])) {
      const { url, stop } = await startThroughGateway({ transport, era });
      try {
        for (const { name, version, args } of chosen(values.suite, serverSuites)) {
          const run = (expectedFailures) => runSuite({ version, args, url, expectedFailures, timeoutMs });
          await report({ what: `${era} server over ${transport}`, name, baseline: `${era}-${name}`, kind: 'server', run });
        }
      } finally {
        await stop();
      }
    }
  }
}

async function runClientSide() {
  for (const { name, version, revision, scenarios } of chosen(values.suite, clientSuites)) {
    const run = (expectedFailures) => runClientSuite({ version, revision, scenarios, command: clientCommand, expectedFailures });
    await report({ what: 'as a client', name, baseline: name, kind: 'client', run });
  }
}

async function report({ what, name, baseline, kind, run }) {
  const path = baselinePath(baseline);
  const isThere = existsSync(path);
  const result = await run(isThere ? path : undefined);
  rows.push({ what, name, result });
  process.stdout.write(`${what}, ${name}: ${describeResult(result)}\n`);
  if (!values.write || (result.ok && isThere === result.failed > 0)) return;
  await writeBaseline(path, { kind, failures: result.failures, baseline: await readBaseline(isThere ? path : undefined) });
}

function printTable() {
  const lines = rows.map(({ what, name, result }) => [
    what,
    name,
    `${result.passed}/${result.passed + result.failed}`,
    `${(result.durationMs / 1000).toFixed(0)} s`,
  ]);
  const table = [['', 'suite', 'checks', 'time'], ...lines];
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  const toLine = (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = table.map(toLine);
  process.stdout.write(`\n${[head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body].join('\n')}\n`);
}
