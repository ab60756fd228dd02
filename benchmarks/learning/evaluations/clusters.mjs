// Sessions grouped by what they call, beside what they were about: the server that most of their calls went to. Normalised mutual
// information (arithmetic mean), as many clusters as labels, mean of ten seeds.
import { clusterSessions } from '../../../packages/learning/dist/index.js';
import { readTraces } from '../traces.mjs';

const GOAL = 0.85;
const BASELINES = { 'bfcl-multiturn-gold': 0.796, 'all sets': 0.817 };
const MOST_LABELS = 60;

export async function evaluate({ data, quick, log }) {
  const sets = readTraces(data);
  // Together, a session is about its set, except where a set has several servers of its own: then about the server.
  const together = sets.flatMap(({ sessions }) => (labelsOf(sessions).size <= MOST_LABELS ? sessions : []));
  const all = sets.length > 1 ? [...sets, { set: 'all sets', sessions: together }] : sets;
  return all.flatMap(({ set, sessions }) => {
    const labels = sessions.map(labelOf);
    const kinds = new Set(labels).size;
    if (kinds < 2 || kinds > MOST_LABELS) return [];
    const counted = sessions.map(({ calls }) => ({ tools: countTools(calls) }));
    const seeds = Array.from({ length: quick ? 1 : 10 }, (_, index) => index + 1);
    const begun = performance.now();
    const values = seeds.map((seed) => mutualInformation(clusterSessions(counted, { clusters: kinds, seed }).assigned, labels));
    const ms = (performance.now() - begun) / seeds.length;
    const value = values.reduce((sum, each) => sum + each, 0) / values.length;
    log(`${set}: ${sessions.length} sessions, ${kinds} labels, NMI ${value.toFixed(3)}`);
    return [
      {
        capability: 'clusters',
        set,
        metric: 'NMI',
        value,
        goal: GOAL,
        baseline: BASELINES[set],
        note: `${kinds} labels, servers among the features`,
      },
      { capability: 'cost', set, metric: 'grouping all sessions, ms', value: ms },
    ];
  });
}

function labelsOf(sessions) {
  return new Set(sessions.map(labelOf));
}

function labelOf({ calls }) {
  const counts = new Map();
  for (const { server } of calls) counts.set(server, (counts.get(server) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a)[0][0];
}

function countTools(calls) {
  const tools = new Map();
  for (const { server, tool } of calls) {
    const key = `${server}.${tool}`;
    tools.set(key, { upstream: server, count: (tools.get(key)?.count ?? 0) + 1 });
  }
  return tools;
}

function mutualInformation(one, other) {
  const [a, b, both] = [count(one), count(other), count(one.map((label, index) => `${label}\0${other[index]}`))];
  let mutual = 0;
  for (const [pair, n] of both) {
    const [left, right] = pair.split('\0');
    mutual += (n / one.length) * Math.log((n * one.length) / (a.get(left) * b.get(right)));
  }
  const entropy = (counts) => [...counts.values()].reduce((sum, n) => sum - (n / one.length) * Math.log(n / one.length), 0);
  const mean = (entropy(a) + entropy(b)) / 2;
  return mean === 0 ? 1 : mutual / mean;
}

function count(labels) {
  const counts = new Map();
  for (const label of labels) counts.set(String(label), (counts.get(String(label)) ?? 0) + 1);
  return counts;
}
