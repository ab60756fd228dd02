import { readFile } from 'node:fs/promises';
import { nameOfCell } from './report.mjs';

/**
 * @typedef {{ line: number, cells: string, group: string, name: string, reason: string }} KnownFailure
 */

/**
 * Reads a list of checks that are known to fail. Each line is `client>server/transport group: check # reason`; `*` stands for
 * any client, server or transport, and at the end of a check for whatever follows. The reason is required.
 * @returns {Promise<KnownFailure[]>}
 */
export async function readKnownFailures(path) {
  const text = await readFile(path, 'utf8');
  return text.split('\n').flatMap((line, index) => {
    if (/^\s*(#.*)?$/.test(line)) return [];
    const found = /^(\S+>\S+\/\S+) ([a-z]+): (.+?) # (\S.*)$/.exec(line);
    if (found === null)
      throw new Error(`Cannot read line ${index + 1} of "${path}": expected "client>server/transport group: check # reason"`);
    const [, cells, group, name, reason] = found;
    return [{ line: index + 1, cells, group, name, reason }];
  });
}

/**
 * Compares what failed with what is known to fail.
 * @param {import('./run-cell.mjs').CellResult[]} results
 * @param {KnownFailure[]} known
 * @returns {{ unexpected: string[], stale: string[] }} `unexpected` fails and is not known; `stale` is known to fail in a cell where
 *   it does not.
 */
export function compareWithKnown(results, known) {
  const unexpected = [];
  const stale = [];
  for (const { cell, isSpoken, reason, checks } of results) {
    if (!isSpoken) unexpected.push(`${nameOfCell(cell)} is not spoken: ${reason}`);
    for (const { group, name, status } of checks) {
      const entry = known.find((each) => covers(each, { cell, group, name }));
      if (status === 'fail' && entry === undefined) unexpected.push(`${nameOfCell(cell)} ${group}: ${name}`);
      if (status === 'ok' && entry !== undefined) stale.push(`line ${entry.line}: ${nameOfCell(cell)} ${group}: ${name} does not fail`);
    }
  }
  return { unexpected, stale };
}

/** Whether an entry speaks of a check in a cell. */
export function covers({ cells, group, name }, check) {
  const [client, server, transport] = cells.split(/[>/]/);
  const isCell = [
    [client, check.cell.client],
    [server, check.cell.server],
    [transport, check.cell.transport],
  ].every(([pattern, value]) => pattern === '*' || pattern === value);
  return isCell && group === check.group && isNamed(name, check.name);
}

/** Whether a check has the name of an entry. */
export function isNamed(pattern, name) {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}
