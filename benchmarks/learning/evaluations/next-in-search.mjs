// What it does to searches that the tool which most likely comes next rises past near ties. No public set has both habits and words for
// every call, so sessions are simulated: each follows one of 30 sequences of tools, at each step with a given probability and else with
// any tool, and says for each call a need that somebody said for that tool. Half-way all sequences are replaced by others.
import { liftNext } from '../../../packages/data-plane/dist/search/lift-next.js';
import { createNextToolModel, isSure } from '../../../packages/learning/dist/index.js';
import { createRandom, createStaticRanker, readSets } from '../search-sets.mjs';

const HABITS = [0, 0.3, 0.6, 0.9];
const SEQUENCES = 30;
const TOOLS = 150;
const SHOWN = 5;
/** Worst change that still is none. */
const NO_HARM = -0.002;

export async function evaluate({ data, quick, log }) {
  const metrics = [];
  for (const { set, tools, files } of readSets(data)) {
    const needs = needsByTool(files);
    if (needs.size < TOOLS) continue;
    const search = createSearch(tools);
    for (const habit of HABITS) {
      const runs = Array.from({ length: quick ? 1 : 5 }, (_, seed) => run({ needs, search, habit, sessions: quick ? 400 : 800, seed }));
      const mean = (of) => runs.reduce((sum, each) => sum + of(each), 0) / runs.length;
      const [gain, plain] = [mean((each) => each.lifted - each.plain), mean((each) => each.plain)];
      const name = `${set}, ${habit * 100} % by habit`;
      const capability = 'next tool in searches';
      metrics.push({ capability, set: name, metric: 'gain of MRR@5', value: gain, goal: NO_HARM, note: `static ${plain.toFixed(3)}` });
      log(`${name}: MRR@5 ${plain.toFixed(4)} ${gain < 0 ? '' : '+'}${gain.toFixed(4)}, sure ${mean((each) => each.sure).toFixed(3)}`);
    }
  }
  return metrics;
}

function run({ needs, search, habit, sessions, seed }) {
  const random = createRandom((seed + 1) * 7919);
  const pick = (list) => list[Math.floor(random() * list.length)];
  const ids = [...needs.keys()].slice(0, TOOLS);
  const invent = () => Array.from({ length: SEQUENCES }, () => Array.from({ length: 3 + Math.floor(random() * 4) }, () => pick(ids)));
  const model = createNextToolModel();
  const result = { plain: 0, lifted: 0, sure: 0 };
  let sequences = invent();
  let scored = 0;
  for (let session = 0; session < sessions; session++) {
    if (session === sessions / 2) sequences = invent();
    for (const [index, usual] of pick(sequences).entries()) {
      const tool = random() < habit ? usual : pick(ids);
      const found = search(pick(needs.get(tool)));
      if (index > 0) {
        const [next] = model.predict(String(session), { limit: 1 });
        const lifted = isSure(next) ? liftNext(found, { name: next.tool, share: next.share, after: undefined }) : found;
        scored++;
        result.plain += worthOf(found, tool);
        result.lifted += worthOf(lifted, tool);
        if (isSure(next)) result.sure++;
      }
      model.observe({ session: String(session), atMs: scored, upstream: 'server', tool, isOk: true, need: [] });
    }
  }
  return { plain: result.plain / scored, lifted: result.lifted / scored, sure: result.sure / scored };
}

function needsByTool(files) {
  const needs = new Map();
  for (const { queries } of files)
    for (const { text, relevant } of queries) {
      if (relevant.length > 1) continue;
      const [[tool]] = relevant;
      needs.set(tool, [...(needs.get(tool) ?? []), text]);
    }
  return needs;
}

function createSearch(tools) {
  const rank = createStaticRanker(tools);
  const known = new Map();
  return (need) => {
    if (!known.has(need))
      known.set(
        need,
        rank([need], SHOWN)[0].map(({ key, score }) => ({ name: key, score })),
      );
    return known.get(need);
  };
}

function worthOf(matches, tool) {
  const place = matches.findIndex(({ name }) => name === tool);
  return place < 0 ? 0 : 1 / (place + 1);
}
