// A small run of both, to see that what is told of it is so. Exits with 1 when learning does not help.
import assert from 'node:assert/strict';
import { work } from './agent.mjs';

const [tasks, kinds] = [240, 30];
const catchUpAt = (2 * tasks) / 3;
const [off, on] = [await work({ learning: false, tasks, kinds }), await work({ learning: true, tasks, kinds, catchUpAt })];
const late = (results) => results.slice(-tasks / 3);
const share = (results) => late(results).filter(({ place }) => place === 1).length / late(results).length;
const tokens = (results) => late(results).reduce((sum, each) => sum + each.tokens, 0);
assert.ok(share(on) > share(off) + 0.1, `the right tool is first in ${share(on)} with learning, in ${share(off)} without`);
assert.ok(tokens(on) < tokens(off), `${tokens(on)} tokens with learning, ${tokens(off)} without`);
console.log(
  `ok: the right tool first in ${(share(on) * 100).toFixed(0)} % of tasks with learning, ${(share(off) * 100).toFixed(0)} % without`,
);
