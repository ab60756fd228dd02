import { allChecks } from './checks/all.mjs';
import { createTrial, openPair } from './trial.mjs';

const defaultTimeoutMs = 15_000;

/**
 * @typedef {{ group: string, name: string, status: 'ok' | 'fail' | 'skip', differences: any[], reason?: string, durationMs: number }} CheckResult
 * @typedef {{ cell: import('./trial.mjs').Cell, isSpoken: boolean, reason?: string, checks: CheckResult[] }} CellResult
 */

/**
 * Makes all checks of one cell, one after the other. A gateway that does not speak the generation of the client, or cannot
 * use the server, is told as `isSpoken: false`: then no check has been made.
 * @param {import('./trial.mjs').Cell} cell
 * `patienceMs` is how long a server that was restarted may be away.
 * @param {{ only?: string[], calls?: number, patienceMs?: number, stopsAtFailure?: boolean, onCheck?: (result: CheckResult, cell: any) => void }} options
 * @returns {Promise<CellResult>}
 */
export async function runCell(cell, { only, calls = 20_000, patienceMs = 20_000, stopsAtFailure = false, onCheck = () => undefined } = {}) {
  let pair;
  try {
    await waitForServer(cell);
    pair = await openPair(cell);
  } catch (error) {
    await pair?.close();
    return { cell, isSpoken: false, reason: error.message, checks: [] };
  }
  const checks = [];
  for (const check of allChecks) {
    if ((only !== undefined && !only.includes(check.group)) || check.when?.(cell) === false) continue;
    const result = await runCheck(check, { cell, pair, options: { calls, patienceMs } });
    checks.push(result);
    onCheck(result, cell);
    if (stopsAtFailure && result.status === 'fail') break;
  }
  await pair.close();
  return { cell, isSpoken: true, checks };
}

async function runCheck({ group, name, run, timeoutMs = defaultTimeoutMs }, given) {
  const trial = createTrial(given);
  const started = performance.now();
  let timer;
  try {
    const late = new Promise((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`The check did not end in ${timeoutMs} ms`)), timeoutMs);
    });
    await Promise.race([run(trial), late]);
  } catch (error) {
    trial.differences.push({ pointer: '', direct: 'an answer', through: error.message });
  } finally {
    clearTimeout(timer);
    await trial.close();
  }
  const { differences, skipped } = trial;
  const status = differences.length > 0 ? 'fail' : skipped === undefined ? 'ok' : 'skip';
  return { group, name, status, differences, reason: skipped, durationMs: Math.round(performance.now() - started) };
}

/** A gateway may serve before its servers are up, so wait until it lists what the server has. */
async function waitForServer(cell) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    // A client of its own each time: what a gateway says of itself at the opening may depend on the servers that are up.
    const pair = await openPair(cell);
    const { items } = await pair.through.list('tools/list').finally(pair.close);
    if (items.some(({ name }) => name === 'kit_echo')) return;
    if (Date.now() > deadline)
      throw new Error(`The gateway does not list "kit_echo"; it lists ${items.map(({ name }) => name).join(', ') || 'nothing'}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
