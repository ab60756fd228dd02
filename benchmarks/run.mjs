import { existsSync, readdirSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CORES, pinSelf, stopAll, watchMachine } from './lib/processes.mjs';
import { format, formatSummary } from './lib/statistics.mjs';

const PROGRAM = path.resolve(import.meta.dirname, '../apps/gateway/bin/signalbox.js');
const COMPILED = path.resolve(import.meta.dirname, '../apps/gateway/dist/main.js');

const TITLES = {
  callsPerSecond: 'calls/s',
  writesPerSecond: 'writes/s',
  p50Us: 'p50 µs',
  p99Us: 'p99 µs',
  cpuUs: 'CPU µs/call',
  readyMs: 'ready ms',
  listedMs: 'all listed ms',
  answeredMs: 'answered ms',
  answeredAfterReadyMs: 'answered after ready ms',
  kibEach: 'KiB each',
  kibEachAfterEnd: 'KiB each after their end',
  shareUsable: 'share usable',
  leftAfterEnd: 'left after their end',
  shareLeft: 'share left',
  shareHit: 'hit ratio',
  shareHitLru: 'hit ratio of LRU',
  share: 'share of the ideal',
  goodPerSecond: 'good/s',
  refusedPerSecond: 'refused/s',
  refusedP99Ms: 'p99 of a refusal, ms',
  goodP99Ms: 'p99 of a good one, ms',
};

const HELP = `Usage: npm run bench -- [options]

  --quick            short slices and few rounds: a look, not a result
  --only NAME        one benchmark; may be given more than once
  --minutes N        how long the soak lasts; default 10
  --list             their names and budgets
  --against PROGRAM  signalbox.js of another build, measured in the same rounds
  --json             results as JSON`;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '10' },
    against: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.on('exit', stopAll);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
process.exitCode = await main();

async function main() {
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const all = await loadBenchmarks();
  if (options.list) {
    for (const { name, about, budgets } of all)
      console.log([`${name}: ${about}`, ...budgets.map((budget) => `  ${sayBudget(budget)}`)].join('\n'));
    return 0;
  }
  const chosen =
    options.only === undefined ? all.filter(({ isOnDemand }) => !isOnDemand) : all.filter(({ name }) => options.only.includes(name));
  const unknown = (options.only ?? []).filter((name) => !all.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) return refuse(`No benchmark is called "${unknown[0]}"; there are ${all.map(({ name }) => name).join(', ')}`);
  if (!(Number(options.minutes) > 0)) return refuse(`--minutes must be a number above 0, not "${options.minutes}"`);
  if (!existsSync(COMPILED)) return refuse('The gateway is not built; run "npm run build" first');
  if (options.against !== undefined && !existsSync(options.against)) return refuse(`There is no program at "${options.against}"`);

  const programs = [['gateway', PROGRAM], ...(options.against === undefined ? [] : [['other build', path.resolve(options.against)]])];
  pinSelf();
  const reports = [];
  for (const benchmark of chosen) {
    process.stderr.write(`${benchmark.name} …\n`);
    reports.push(await runOne(benchmark, programs));
    if (!options.json) console.log(render(reports.at(-1)));
  }
  if (options.json) console.log(JSON.stringify({ machine: describeMachine(), quick: options.quick, benchmarks: reports }, null, 2));
  else console.log(`Machine: ${describeMachine()}`);
  return reports.every(({ budgets, error }) => error === undefined && budgets.every(({ isMet }) => isMet)) ? 0 : 1;
}

async function loadBenchmarks() {
  const folder = path.join(import.meta.dirname, 'scenarios');
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
  const modules = await Promise.all(files.toSorted().map((file) => import(path.join(folder, file))));
  return modules.map(({ benchmark }) => benchmark);
}

async function runOne({ name, about, budgets, run }, programs) {
  const machineShare = watchMachine();
  const startedAt = performance.now();
  try {
    const { rows, metrics } = await run({ quick: options.quick, programs, minutes: Number(options.minutes) });
    const seconds = (performance.now() - startedAt) / 1000;
    return { name, about, seconds, machineBusy: machineShare(), rows, metrics, budgets: budgets.map((budget) => judge(budget, metrics)) };
  } catch (error) {
    stopAll();
    return { name, about, rows: [], metrics: {}, budgets: [], error: error.stack };
  }
}

function judge(budget, metrics) {
  const measured = metrics[budget.metric];
  if (measured === undefined) throw new Error(`The budget names "${budget.metric}", which was not measured`);
  const { atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = budget;
  return { ...budget, measured: measured.median, isMet: measured.median <= atMost && measured.median >= atLeast };
}

function render({ name, about, rows, metrics, budgets, error, seconds, machineBusy }) {
  const lines = [`## ${name}`, '', about, ''];
  if (error !== undefined) return [...lines, `Failed: ${error}`, ''].join('\n');
  const columns = [...new Set(rows.flatMap(({ values }) => Object.keys(values)))];
  lines.push(tableLine(['', ...columns.map((column) => TITLES[column] ?? column)]), tableLine(['---', ...columns.map(() => '---:')]));
  for (const { label, values } of rows)
    lines.push(tableLine([label, ...columns.map((column) => (values[column] === undefined ? '' : formatSummary(values[column])))]));
  lines.push('', tableLine(['ratio or figure', 'median (min to max)', 'budget', '']), tableLine(['---', '---:', '---:', '---']));
  for (const [metric, summary] of Object.entries(metrics)) {
    const budget = budgets.find((entry) => entry.metric === metric);
    lines.push(
      tableLine([
        metric,
        formatSummary(summary),
        budget === undefined ? '' : sayLimit(budget),
        budget === undefined ? '' : budget.isMet ? 'met' : 'MISSED',
      ]),
    );
  }
  lines.push('', `${format(seconds)} s; the machine was ${Math.round(machineBusy * 100)} % busy.`, '');
  return lines.join('\n');
}

function tableLine(cells) {
  return `| ${cells.join(' | ')} |`;
}

function sayBudget(budget) {
  return `${budget.metric}: ${sayLimit(budget)}`;
}

function sayLimit({ atMost, atLeast }) {
  return atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`;
}

function describeMachine() {
  const pinning =
    CORES === undefined ? 'nothing pinned' : `load and upstreams on core ${CORES.load}, what is measured on core ${CORES.measured}`;
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}; ${pinning}`;
}

function refuse(message) {
  process.stderr.write(`${message}\n`);
  return 2;
}
