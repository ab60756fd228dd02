import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

const packageOf = { '0.1.16': '@modelcontextprotocol/conformance', '0.2.0-alpha.12': 'conformance-next' };
const shim = new URL('shim.mjs', import.meta.url).href;

/**
 * @typedef {{ scenario: string, id: string, message: string }} Failure
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
  const expected = expectedFailures === undefined ? [] : await readBaseline(expectedFailures);
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  const started = performance.now();
  try {
    const output = await runCommand([toEntry(version), 'server', '--url', url, ...args, '-o', folder], timeoutMs);
    const scenarios = parseSummary(output);
    const failures = await readFailures(folder);
    const undetailed = scenarios.filter(({ scenario, failed }) => failed > 0 && !failures.some((each) => each.scenario === scenario));
    for (const { scenario } of undetailed) failures.push({ scenario, id: 'unknown', message: 'The suite recorded no failing check' });
    return {
      scenarios,
      passed: scenarios.reduce((sum, each) => sum + each.passed, 0),
      failed: scenarios.reduce((sum, each) => sum + each.failed, 0),
      failures,
      ...compare(failures, expected),
      durationMs: Math.round(performance.now() - started),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {SuiteResult} result */
export function describeResult({ passed, failed, durationMs, unexpected, stale }) {
  return [
    `${passed} checks passed, ${failed} failed, in ${durationMs} ms`,
    ...unexpected.map(({ scenario, id, message }) => `not in the baseline: ${scenario}:${id}: ${message}`),
    ...stale.map((entry) => `in the baseline, but it does not fail: ${entry}`),
  ].join('\n');
}

function toEntry(version) {
  if (!(version in packageOf)) throw new Error(`Unknown suite "${version}"; known are ${Object.keys(packageOf).join(', ')}`);
  const manifest = createRequire(import.meta.url).resolve(`${packageOf[version]}/package.json`);
  return join(dirname(manifest), 'dist', 'index.js');
}

/** Resolves to everything the suite printed. Its exit code is not used: 1 means a failing check, which the summary tells better. */
function runCommand(args, timeoutMs) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', shim, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`The suite did not end in ${timeoutMs} ms; its last words: ${output.slice(-2000)}`));
    }, timeoutMs);
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(output);
    });
  });
}

/**
 * A suite ends with a line for each scenario; a single scenario ends with its counts alone.
 * @returns {ScenarioResult[]}
 */
function parseSummary(output) {
  const [, summary = ''] = output.split('=== SUMMARY ===');
  const lines = [...summary.matchAll(/^[✓✗] (\S+): (\d+) passed, (\d+) failed/gmu)];
  const single = /^Running client scenario '(\S+)'[^]*^Passed: (\d+)\/\d+, (\d+) failed/m.exec(output);
  const found = lines.length === 0 && single !== null ? [single] : lines;
  if (found.length === 0) throw new Error(`The suite ended without a summary; its last words: ${output.slice(-2000)}`);
  return found.map(([, scenario, passed, failed]) => ({ scenario, passed: Number(passed), failed: Number(failed) }));
}

/** Reads the failing checks from the files that the suite wrote, one folder for each scenario. */
async function readFailures(folder) {
  const failures = [];
  for (const name of (await readdir(folder)).toSorted()) {
    const scenario = /^server-(.+)-\d{4}-\d{2}-\d{2}T/.exec(name)?.[1];
    if (scenario === undefined) continue;
    const checks = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8'));
    for (const { id, status, errorMessage } of checks) {
      if (status === 'FAILURE') failures.push({ scenario, id, message: errorMessage ?? '' });
    }
  }
  return failures;
}

/**
 * Reads a baseline: the entries below `server:`, each `scenario` or `scenario:check-id`, written the way the suites read
 * them. Every entry needs a comment with its reason.
 */
async function readBaseline(path) {
  const entries = [];
  for (const [index, line] of (await readFile(path, 'utf8')).split('\n').entries()) {
    if (/^\s*(#.*)?$/.test(line) || /^server:\s*(\[\])?\s*$/.test(line)) continue;
    const entry = /^\s+- (\S+)\s+# \S/.exec(line)?.[1];
    if (entry === undefined) throw new Error(`Cannot read line ${index + 1} of "${path}": expected "  - scenario # reason"`);
    entries.push(entry);
  }
  return entries;
}

function compare(failures, expected) {
  const listed = new Set(expected);
  const failing = new Set(failures.flatMap(({ scenario, id }) => [scenario, `${scenario}:${id}`]));
  const unexpected = failures.filter(({ scenario, id }) => !listed.has(scenario) && !listed.has(`${scenario}:${id}`));
  const stale = expected.filter((entry) => !failing.has(entry));
  return { unexpected, stale, ok: unexpected.length === 0 && stale.length === 0 };
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
