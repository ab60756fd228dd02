import { show } from './compare/differences.mjs';

const shownDifferences = 12;
const slowMs = 1000;

/** The name of a cell: who asks, who answers, and how the gateway reaches it. */
export const nameOfCell = ({ client, server, transport }) => `${client}>${server}/${transport}`;

/**
 * A check as lines: one that says how it ended, and one for each difference.
 * @param {import("./run-cell.mjs").CheckResult} check
 * @param {{ client: string, server: string, transport: string }} cell
 */
export function describeCheck({ group, name, status, differences, reason, durationMs }, cell) {
  const head = `${status === 'fail' ? 'FAIL' : status === 'ok' ? 'ok  ' : 'skip'} ${nameOfCell(cell)} ${group}: ${name}${durationMs >= slowMs ? ` (${durationMs} ms)` : ''}`;
  if (status === 'skip') return `${head} (${reason})`;
  const lines = differences
    .slice(0, shownDifferences)
    .map(({ pointer, direct, through }) => `     ${pointer === '' ? '/' : pointer}: direct ${show(direct)} through ${show(through)}`);
  if (differences.length > shownDifferences) lines.push(`     and ${differences.length - shownDifferences} more`);
  return [head, ...lines].join('\n');
}

/** A table of all cells: groups down, cells across, passed of made. */
export function describeTable(results) {
  const spoken = results.filter(({ isSpoken }) => isSpoken);
  const groups = [...new Set(spoken.flatMap(({ checks }) => checks.map(({ group }) => group)))];
  const count = (checks) => {
    const made = checks.filter(({ status }) => status !== 'skip');
    return made.length === 0 ? '' : `${made.filter(({ status }) => status === 'ok').length}/${made.length}`;
  };
  const rows = [
    ['group', ...spoken.map(({ cell }) => nameOfCell(cell))],
    ...groups.map((group) => [group, ...spoken.map(({ checks }) => count(checks.filter((check) => check.group === group)))]),
    ['all', ...spoken.map(({ checks }) => count(checks))],
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const toLine = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = rows.map(toLine);
  const notes = results
    .filter(({ isSpoken }) => !isSpoken)
    .map(({ cell, reason }) => `not spoken: ${nameOfCell(cell)}: ${reason.split('\n')[0]}`);
  return [head, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body, ...notes].join('\n');
}
