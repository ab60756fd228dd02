// Outlives the gateway just long enough to end its children. It reads `add <pid> <mark>` and `remove <pid>`, one per
// line, on stdin. The end of stdin means that the gateway is gone, however it ended, `kill -9` included.
import { createInterface } from 'node:readline';
import { endTree, readStat } from './process-tree.js';

const GRACE_MS = 1_000;
const GIVE_UP_MS = 2_000;

/** @type {Map<number, { pid: number, startedAt: string | undefined, mark: string }>} */
const children = new Map();
/** @type {Set<Promise<void>>} */
const pending = new Set();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

const lines = createInterface({ input: process.stdin, terminal: false });
lines.on('line', (line) => {
  const [verb, number, mark] = line.split(' ');
  const pid = Number(number);
  if (verb === 'remove') children.delete(pid);
  else if (verb === 'add' && Number.isInteger(pid) && pid > 1 && mark) {
    const tree = { pid, startedAt: undefined, mark };
    children.set(pid, tree);
    const reading = readStart(tree).finally(() => pending.delete(reading));
    pending.add(reading);
  }
});
lines.on('close', async () => {
  await Promise.all(pending);
  const budget = { graceMs: GRACE_MS, giveUpMs: GIVE_UP_MS };
  await Promise.all([...children.values()].map((tree) => endTree(tree, budget)));
  process.exit(0);
});

async function readStart(tree) {
  const stat = await readStat(tree.pid);
  // Without a number in /proc the child has ended already; its number must not be trusted from here on.
  tree.startedAt = stat?.startedAt ?? (process.platform === 'linux' ? 'ended' : undefined);
}
