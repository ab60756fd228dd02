// Does an experiment call a difference where there is none, however often one looks, and does it find one that is there? Simulated, for
// that is the only way to know; needs no data.
import { assignArm, compareArms } from '../../../packages/learning/dist/index.js';

const horizon = 10_000;
const lookEvery = 100;

export async function evaluate({ quick, log }) {
  const runs = quick ? 300 : 2_000;
  const metrics = [];
  const of = { capability: 'A/B', set: 'simulated' };
  for (const { name, draw, goal, baseline, better } of cases) {
    const random = createRandom(12345);
    let [called, covered, stops] = [0, 0, 0];
    for (let run = 0; run < runs; run++) {
      const seen = runOnce(draw, random);
      if (seen.stoppedAt > 0) [called, stops] = [called + 1, stops + seen.stoppedAt];
      if (seen.isCovered) covered++;
    }
    metrics.push({
      ...of,
      metric: `called different, ${name}`,
      value: called / runs,
      ...(goal === undefined ? {} : { goal }),
      ...(baseline === undefined ? {} : { baseline }),
      better,
    });
    metrics.push({ ...of, metric: `interval right at every look at once, ${name}`, value: covered / runs, goal: 0.95 });
    if (better === 'more')
      metrics.push({ ...of, metric: `values an arm until called, mean, ${name}`, value: stops / Math.max(1, called), better: 'less' });
    log(`${name}: ${runs} runs`);
  }
  metrics.push(...checkAssignment(of));
  const begunAt = performance.now();
  const sums = { count: 5_000, sum: 4_300, sumOfSquares: 4_300 };
  for (let times = 0; times < 100_000; times++)
    compareArms(sums, { count: 5_000, sum: 4_200 + (times % 7), sumOfSquares: 4_200 + (times % 7) });
  metrics.push({
    capability: 'cost',
    set: 'simulated',
    metric: 'comparing two arms, mean, µs',
    value: (performance.now() - begunAt) / 100,
    better: 'less',
  });
  return metrics;
}

const share = (a, b) => ({ truth: b - a, one: (random) => (random() < a ? 1 : 0), other: (random) => (random() < b ? 1 : 0) });
const gauss = (random) => Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
const cases = [
  { name: '.85 and .85', draw: share(0.85, 0.85), goal: 0.05, baseline: 0.021, better: 'less' },
  { name: '.02 and .02', draw: share(0.02, 0.02), goal: 0.05, better: 'less' },
  {
    name: 'equal log-normal means',
    draw: { truth: 0, one: (random) => Math.exp(gauss(random)), other: (random) => Math.exp(gauss(random)) },
    goal: 0.05,
    better: 'less',
  },
  { name: '.85 and .87', draw: share(0.85, 0.87), goal: 0.88, baseline: 0.883, better: 'more' },
  { name: '.85 and .90', draw: share(0.85, 0.9), goal: 0.99, baseline: 1, better: 'more' },
];

function runOnce({ one, other, truth }, random) {
  const [control, candidate] = [empty(), empty()];
  let stoppedAt = 0;
  let isCovered = true;
  for (let count = 1; count <= horizon; count++) {
    add(control, one(random));
    add(candidate, other(random));
    if (count % lookEvery !== 0) continue;
    const { low, high, verdict } = compareArms(control, candidate);
    if (stoppedAt === 0 && verdict !== 'undecided') stoppedAt = count;
    if (truth < low || truth > high) isCovered = false;
  }
  return { stoppedAt, isCovered };
}

const empty = () => ({ count: 0, sum: 0, sumOfSquares: 0 });

function add(sums, value) {
  sums.count++;
  sums.sum += value;
  sums.sumOfSquares += value * value;
}

function checkAssignment(of) {
  const units = 100_000;
  let [inOne, inBoth, moved] = [0, 0, 0];
  for (let unit = 0; unit < units; unit++) {
    const one = assignArm({ experiment: 'one', unit: `unit ${unit}`, share: 0.3 }) === 'candidate';
    const other = assignArm({ experiment: 'two', unit: `unit ${unit}`, share: 0.5 }) === 'candidate';
    if (one) inOne++;
    if (one && other) inBoth++;
    if (one && assignArm({ experiment: 'one', unit: `unit ${unit}`, share: 0.4 }) === 'control') moved++;
  }
  const error = (count, expected) => Math.abs(count - units * expected) / Math.sqrt(units * expected * (1 - expected));
  return [
    { ...of, metric: 'share of the candidate, off by standard errors', value: error(inOne, 0.3), goal: 4, better: 'less' },
    { ...of, metric: 'two experiments at once, off by standard errors', value: error(inBoth, 0.15), goal: 4, better: 'less' },
    { ...of, metric: 'units that lose the candidate as its share grows', value: moved, goal: 0, better: 'less' },
  ];
}

function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
