import { readFile, writeFile } from 'node:fs/promises';

const head = '# What does not pass yet through the gateway, each with its reason. An entry that passes fails the run: delete it then.';

/**
 * @typedef {{ scenario: string, id: string, message: string }} Failure
 * @typedef {{ entry: string, reason: string }} BaselineEntry
 */

/**
 * Reads a baseline: the entries below `server:` or `client:`, each `scenario` or `scenario:check-id`, written the way the
 * suites read them. Every entry needs a comment with its reason. Without a path nothing may fail.
 * @param {string | undefined} path
 * @returns {Promise<BaselineEntry[]>}
 */
export async function readBaseline(path) {
  if (path === undefined) return [];
  const lines = (await readFile(path, 'utf8')).split('\n');
  return lines.flatMap((line, index) => {
    if (/^\s*(#.*)?$/.test(line) || /^(server|client):\s*(\[\])?\s*$/.test(line)) return [];
    const found = /^\s+- (\S+)\s+# (\S.*)$/.exec(line);
    if (found === null) throw new Error(`Cannot read line ${index + 1} of "${path}": expected "  - scenario # reason"`);
    return [{ entry: found[1], reason: found[2] }];
  });
}

/**
 * Compares what failed with a baseline.
 * @param {Failure[]} failures
 * @param {BaselineEntry[]} baseline
 */
export function compareWithBaseline(failures, baseline) {
  const listed = new Set(baseline.map(({ entry }) => entry));
  const failing = new Set(failures.flatMap(({ scenario, id }) => [scenario, `${scenario}:${id}`]));
  const unexpected = failures.filter(({ scenario, id }) => !listed.has(scenario) && !listed.has(`${scenario}:${id}`));
  const stale = [...listed].filter((entry) => !failing.has(entry));
  return { unexpected, stale, ok: unexpected.length === 0 && stale.length === 0 };
}

/**
 * Writes a baseline anew: without what passes now, and with what fails newly. A new entry gets the words of the suite for a
 * reason; put better ones in their place.
 * @param {string} path
 * @param {{ kind: 'server' | 'client', failures: Failure[], baseline: BaselineEntry[] }} options
 */
export async function writeBaseline(path, { kind, failures, baseline }) {
  const { unexpected, stale } = compareWithBaseline(failures, baseline);
  const added = new Map(unexpected.map(({ scenario, id, message }) => [`${scenario}:${id}`, message]));
  const entries = [
    ...baseline.filter(({ entry }) => !stale.includes(entry)),
    ...[...added].map(([entry, message]) => ({ entry, reason: message.replaceAll(/\s+/g, ' ').trim() || 'The suite gives no reason' })),
  ];
  const lines = entries.map(({ entry, reason }) => `  - ${entry} # ${reason}`);
  await writeFile(path, `${head}\n${kind}:${lines.length === 0 ? ' []' : `\n${lines.join('\n')}`}\n`);
}
