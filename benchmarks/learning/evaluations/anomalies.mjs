// What is unusual in series of numbers, scored as the Numenta Anomaly Benchmark does: each labelled window counts once, by how early it
// is found, each alarm outside of one costs.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createSeriesDetector } from '../../../packages/learning/dist/index.js';

const PROFILES = {
  standard: { hit: 1, miss: 1, alarm: 0.11 },
  'low FP': { hit: 1, miss: 1, alarm: 0.22 },
  'low FN': { hit: 1, miss: 2, alarm: 0.11 },
};
const GOALS = { standard: { goal: 62, baseline: 56.7 } };

export async function evaluate({ data, log }) {
  const folder = path.join(data, 'anomaly-nab');
  if (!existsSync(path.join(folder, 'windows.json'))) return [];
  const windows = JSON.parse(readFileSync(path.join(folder, 'windows.json'), 'utf8'));
  const files = Object.keys(windows)
    .toSorted()
    .filter((file) => existsSync(path.join(folder, 'data', file)));
  if (files.length === 0) return [];
  let [points, us] = [0, 0];
  const results = files.map((file) => {
    const series = readSeries(path.join(folder, 'data', file));
    const detector = createSeriesDetector();
    const begun = performance.now();
    const alarms = series.map((point) => detector.observe(point).isAnomaly);
    us += (performance.now() - begun) * 1000;
    points += series.length;
    return { file, series, alarms, windows: windows[file] };
  });
  const metrics = Object.entries(PROFILES).map(([name, profile]) => ({
    capability: 'anomalies',
    set: `NAB, ${files.length} files`,
    metric: `${name} score`,
    value: scoreOf(results, profile),
    ...GOALS[name],
  }));
  for (const category of new Set(files.map((file) => file.split('/')[0]))) {
    const own = results.filter(({ file }) => file.startsWith(`${category}/`));
    if (own.some((each) => each.windows.length > 0))
      metrics.push({ capability: 'anomalies', set: category, metric: 'standard score', value: scoreOf(own, PROFILES.standard) });
  }
  metrics.push({ capability: 'cost', set: 'NAB', metric: 'a point, µs', value: us / points, goal: 5, better: 'less' });
  log(`${files.length} files, standard ${metrics[0].value.toFixed(1)}`);
  return metrics;
}

function readSeries(file) {
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .map(([time, value]) => ({
      time: time.slice(0, 19),
      atMs: Date.parse(`${time.slice(0, 19).replace(' ', 'T')}Z`),
      value: Number(value),
    }));
}

/** From 0, what silence gets, to 100, what one alarm at the beginning of each window gets. */
function scoreOf(results, profile) {
  let [score, silence, perfect] = [0, 0, 0];
  for (const { series, alarms, windows } of results) {
    const found = scoreSeries(series, alarms, windows, profile);
    score += found.score;
    silence += found.silence;
    perfect += windows.length * profile.hit;
  }
  return perfect === silence ? 0 : (100 * (score - silence)) / (perfect - silence);
}

const sigmoid = (place) => (place > 3 ? -1 : 2 / (1 + Math.exp(5 * place)) - 1);

function scoreSeries(series, alarms, windows, { hit, miss, alarm }) {
  const places = new Map();
  for (const [index, { time }] of series.entries()) if (!places.has(time)) places.set(time, index);
  const spans = windows.map(([from, to]) => [places.get(from.slice(0, 19)), places.get(to.slice(0, 19))]);
  const skipped = Math.min(Math.floor(0.15 * series.length), 750);
  const best = new Map(spans.flatMap(([, to], index) => (to >= skipped ? [[index, -miss]] : [])));
  const silence = -miss * best.size;
  let score = 0;
  for (let index = skipped; index < series.length; index++) {
    if (!alarms[index]) continue;
    const within = spans.findIndex(([from, to]) => index >= from && index <= to);
    if (within >= 0) {
      const [from, to] = spans[within];
      const gain = (hit * sigmoid(-(to - index + 1) / (to - from + 1))) / sigmoid(-1);
      best.set(within, Math.max(best.get(within) ?? -miss, gain));
    } else {
      const before = spans.findLast(([, to]) => to < index);
      score += alarm * (before === undefined ? -1 : sigmoid((index - before[1]) / (before[1] - before[0])));
    }
  }
  for (const gain of best.values()) score += gain;
  return { score, silence };
}
