import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { compareWithBaseline, readBaseline } from './baseline.mjs';
import { runSuiteProcess } from './suite-process.mjs';

/**
 * @typedef {import('./baseline.mjs').Failure} Failure
 * @typedef {{ scenario: string, passed: number, failed: number }} ScenarioResult
 * @typedef {{
 *   scenarios: ScenarioResult[], passed: number, failed: number, failures: Failure[],
 *   unexpected: Failure[], stale: string[], ok: boolean, durationMs: number,
 * }} SuiteResult
 */

/**
 * Runs one official suite against a server and compares what fails with a baseline.
 * @param {{ version: string, url: string, args?: string[], expectedFailures?: string, timeoutMs?: number }} options
 *   `args` chooses the scenarios (`['--suite', 'all']`, `['--requirements', '2026-07-28']`); `expectedFailures` is the
 *   path of a baseline.
 * @returns {Promise<SuiteResult>} `ok` is false when something fails that the baseline does not list, and when the
 *   baseline lists something that does not fail.
 * @throws When the suite does not run to its end within `timeoutMs` (default 120 000).
 */
export async function runSuite({ version, url, args = ['--suite', 'all'], expectedFailures, timeoutMs = 120_000 }) {
  const baseline = await readBaseline(expectedFailures);
  const started = performance.now();
  const { scenarios, failures } = await runInFolder({ version, args: ['server', '--url', url, ...args], timeoutMs });
  return summarise({ scenarios, failures, baseline, started });
}

/**
 * Runs scenarios of the client side of a suite, a few at a time, and compares what fails with a baseline.
 * @param {{ version: string, revision: string, scenarios: string[], command: string, expectedFailures?: string, timeoutMs?: number }} options
 *   `command` starts the client; the suite appends the address of its server.
 * @returns {Promise<SuiteResult>}
 */
export async function runClientSuite({ version, revision, scenarios, command, expectedFailures, timeoutMs = 60_000 }) {
  const baseline = await readBaseline(expectedFailures);
  const started = performance.now();
  const waiting = [...scenarios];
  const results = [];
  const work = async () => {
    for (let scenario = waiting.shift(); scenario !== undefined; scenario = waiting.shift()) {
      const args = ['client', '--command', command, '--scenario', scenario, ...(version === '0.1.16' ? [] : ['--spec-version', revision])];
      results.push(await runInFolder({ version, args, timeoutMs }));
    }
  };
  await Promise.all([work(), work()]);
  const found = results.toSorted(
    (one, other) => scenarios.indexOf(one.scenarios[0].scenario) - scenarios.indexOf(other.scenarios[0].scenario),
  );
  return summarise({
    scenarios: found.flatMap((each) => each.scenarios),
    failures: found.flatMap((each) => each.failures),
    baseline,
    started,
  });
}

/** @param {SuiteResult} result */
export function describeResult({ passed, failed, durationMs, unexpected, stale }) {
  return [
    `${passed} checks passed, ${failed} failed, in ${durationMs} ms`,
    ...unexpected.map(({ scenario, id, message }) => `not in the baseline: ${scenario}:${id}: ${message}`),
    ...stale.map((entry) => `in the baseline, but it does not fail: ${entry}`),
  ].join('\n');
}

async function runInFolder({ version, args, timeoutMs }) {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const output = await runSuiteProcess({ version, args: [...args, '-o', folder], timeoutMs });
    const scenarios = parseSummary(output);
    const failures = await readFailures(folder);
    const undetailed = scenarios.filter(({ scenario, failed }) => failed > 0 && !failures.some((each) => each.scenario === scenario));
    for (const { scenario } of undetailed) failures.push({ scenario, id: 'unknown', message: 'The suite recorded no failing check' });
    return { scenarios, failures };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function summarise({ scenarios, failures, baseline, started }) {
  return {
    scenarios,
    passed: scenarios.reduce((sum, each) => sum + each.passed, 0),
    failed: scenarios.reduce((sum, each) => sum + each.failed, 0),
    failures,
    ...compareWithBaseline(failures, baseline),
    durationMs: Math.round(performance.now() - started),
  };
}

/**
 * A suite ends with a line for each scenario; a single scenario ends with its counts alone.
 * @returns {ScenarioResult[]}
 */
function parseSummary(output) {
  const [, summary = ''] = output.split('=== SUMMARY ===');
  const lines = [...summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gmu)];
  const single = /^(?:Running client scenario '|Starting scenario: )([^'\s]+)[^]*^Passed: (\d+)\/\d+, (\d+) failed/m.exec(output);
  const found = lines.length === 0 && single !== null ? [single] : lines;
  if (found.length === 0) throw new Error(`The suite ended without a summary; its last words: ${output.slice(-2000)}`);
  return found.map(([, scenario, passed, failed]) => ({ scenario, passed: Number(passed), failed: Number(failed) }));
}

/** Reads the failing checks from the files that the suite wrote, one folder for each scenario. */
async function readFailures(folder) {
  const failures = [];
  for (const name of (await readdir(folder)).toSorted()) {
    const scenario = /^(?:server-)?(.+)-\d{4}-\d{2}-\d{2}T/.exec(name)?.[1];
    if (scenario === undefined) continue;
    const checks = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8'));
    for (const { id, status, errorMessage, details } of checks) {
      if (status === 'FAILURE') failures.push({ scenario, id, message: errorMessage ?? details?.message ?? '' });
    }
  }
  return failures;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      version: { type: 'string', default: '0.1.16' },
      url: { type: 'string' },
      'expected-failures': { type: 'string' },
      'timeout-ms': { type: 'string', default: '120000' },
    },
  });
  if (values.url === undefined) throw new Error('The option --url is missing; arguments of the suite itself follow after --');
  const result = await runSuite({
    version: values.version,
    url: values.url,
    timeoutMs: Number(values['timeout-ms']),
    ...(positionals.length > 0 ? { args: positionals } : {}),
    ...(values['expected-failures'] === undefined ? {} : { expectedFailures: values['expected-failures'] }),
  });
  for (const { scenario, passed, failed } of result.scenarios) {
    process.stdout.write(`${failed > 0 ? '✗' : '✓'} ${scenario}: ${passed} passed, ${failed} failed\n`);
  }
  for (const { scenario, id, message } of result.failures) process.stdout.write(`  ${scenario}:${id}: ${message}\n`);
  process.stdout.write(`${describeResult(result)}\n`);
  process.exitCode = result.ok ? 0 : 1;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
