// The 0.95 quantile of the next value of real series: pinball loss beside that of the quantile of all values so far, and how often the
// value stayed below.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createQuantileForecast } from '../../../packages/learning/dist/index.js';

const LEVEL = 0.95;
const WARM_UP = 300;

export async function evaluate({ data, log }) {
  const folder = path.join(data, 'anomaly-nab', 'data');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder)
    .filter((category) => category.startsWith('real'))
    .flatMap((category) => readdirSync(path.join(folder, category)).map((file) => path.join(folder, category, file)))
    .filter((file) => file.endsWith('.csv'))
    .toSorted();
  if (files.length === 0) return [];
  let [ratio, covered, scored, us] = [0, 0, 0, 0];
  for (const file of files) {
    const values = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => Number(line.split(',')[1]));
    const forecast = createQuantileForecast({ level: LEVEL });
    const seen = [];
    let [own, reference] = [0, 0];
    for (const [index, value] of values.entries()) {
      const begun = performance.now();
      const said = forecast.predict();
      forecast.observe(value);
      us += (performance.now() - begun) * 1000;
      if (index >= WARM_UP) {
        own += pinball(said, value);
        reference += pinball(seen[Math.floor(LEVEL * (seen.length - 1))], value);
        covered += value <= said ? 1 : 0;
        scored++;
      }
      seen.splice(placeOf(seen, value), 0, value);
    }
    ratio += own / reference / files.length;
  }
  const [capability, set] = ['latency forecast', `NAB, ${files.length} real files`];
  log(`pinball ${ratio.toFixed(3)}, coverage ${(covered / scored).toFixed(4)}`);
  return [
    { capability, set, metric: 'pinball .95 beside the quantile of all values', value: ratio, goal: 0.65, baseline: 0.671, better: 'less' },
    { capability, set, metric: 'coverage', value: covered / scored, goal: [0.94, 0.96], baseline: 0.945 },
    {
      capability: 'cost',
      set,
      metric: 'a forecast and learning from it, µs',
      value: us / (scored + files.length * WARM_UP),
      goal: 100,
      better: 'less',
    },
  ];
}

function pinball(said, value) {
  return value >= said ? LEVEL * (value - said) : (1 - LEVEL) * (said - value);
}

function placeOf(sorted, value) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
