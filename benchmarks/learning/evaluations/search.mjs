// How well needs find their tools before anything is learned, set by set, and what a search costs among 6,000 tools when much is.
import {
  createSearchModel,
  encodeSearchSnapshot,
  openSearchAdvice,
  openSearchSnapshot,
  readNeed,
} from '../../../packages/learning/dist/index.js';
import { createRandom, createStaticRanker, DEPTH, readSets, scoreOf, shuffled } from '../search-sets.mjs';

const CANDIDATES = 100;
const MANY_TOOLS = 6_000;
/** Results of each of an agent's own queries that count, as many as the dense retriever of the published run gave. */
const ASKED_DEPTH = 3;

// Baselines are the best of five lexical rankings, measured on the sets of these names; goals are for sets that were never seen.
const NDCG = {
  'metatool single': { baseline: 0.575 },
  'metatool multi': { baseline: 0.647 },
  'bfcl-live': { baseline: 0.746 },
  'seal-tools': { goal: 0.945, baseline: 0.919 },
  toolbench: { goal: 0.83, baseline: 0.755 },
  toolalpaca: { goal: 0.85, baseline: 0.83 },
  livemcpbench: { goal: 0.42, baseline: 0.367 },
  'route-clicks': { baseline: 0.466 },
};
const RECALL = { livemcpbench: { goal: 0.55, baseline: 0.465 } };
const STEPS = { ndcg: { livemcpbench: { goal: 0.65, baseline: 0.61 } }, recall: { livemcpbench: { goal: 0.76, baseline: 0.719 } } };
const SERVER = { livemcpbench: { goal: 0.7, baseline: 0.626 } };
const ASKED = { livemcpbench: { goal: 0.58, baseline: 0.548 } };

export async function evaluate({ data, quick, log }) {
  const metrics = [];
  const sets = readSets(data);
  for (const { tools, files } of sets) {
    const rank = createStaticRanker(tools);
    const serverOf = new Map(tools.map(({ id, server }) => [id, server]));
    const servers = new Set(serverOf.values()).size;
    for (const { name, queries } of files) {
      const asked = quick ? shuffled(queries, createRandom(1)).slice(0, 300) : queries;
      const found = [];
      for (const query of asked) found.push({ query, ranking: rank([query.text])[0].map(({ key }) => key) });
      const about = { capability: 'tool search', set: name };
      const add = (metric, value, more = {}) => metrics.push({ ...about, metric, value, ...more });
      const scores = found.map(({ query, ranking }) => scoreOf(ranking, query.relevant));
      add(
        'nDCG@10',
        meanOf(scores, ({ ndcg }) => ndcg),
        NDCG[name],
      );
      add(
        'R@10',
        meanOf(scores, ({ recall }) => recall),
        RECALL[name],
      );
      const own = metrics.at(-2);
      if (servers > 1 && servers < tools.length / 1.5)
        add(
          'R@5 of servers',
          meanOf(found, ({ query, ranking }) => serverRecall(ranking, query.relevant, serverOf)),
          SERVER[name],
        );
      const stepped = found.filter(({ query }) => query.steps !== undefined);
      if (stepped.length > 0) {
        const fused = stepped.map(({ query }) => fuse(rank([...query.steps])));
        const stepScores = fused.map((ranking, index) => scoreOf(ranking, stepped[index].query.relevant));
        add(
          'nDCG@10 by steps',
          meanOf(stepScores, ({ ndcg }) => ndcg),
          STEPS.ndcg[name],
        );
        add(
          'R@10 by steps',
          meanOf(stepScores, ({ recall }) => recall),
          STEPS.recall[name],
        );
        const both = fused.map((ranking, index) => serverRecall(ranking, stepped[index].query.relevant, serverOf));
        if (servers > 1)
          add(
            'R@5 of servers by steps',
            meanOf(both, (recall) => recall),
          );
      }
      const agents = found.filter(({ query }) => query.asked !== undefined);
      if (agents.length > 0)
        add(
          `recall of an agent’s own queries, ${ASKED_DEPTH} each`,
          meanOf(agents, ({ query }) => askedRecall(rank, query)),
          ASKED[name],
        );
      log(`${name}: ${asked.length} needs among ${tools.length} tools, nDCG@10 ${own.value.toFixed(3)}`);
    }
  }
  return [...metrics, ...costOf(sets, quick)];
}

function meanOf(items, of) {
  return items.reduce((sum, item) => sum + of(item), 0) / Math.max(1, items.length);
}

// One list for several needs: what is near the best of one need comes before what is only so far down the list of another.
function fuse(rankings) {
  const best = new Map();
  for (const ranking of rankings) {
    const top = ranking[0]?.score ?? 0;
    if (top === 0) continue;
    for (const [place, { key, score }] of ranking.entries()) {
      const worth = (top ** 0.3 * (score / top) ** 2) / Math.sqrt(place + 1);
      best.set(key, Math.max(best.get(key) ?? 0, worth));
    }
  }
  return [...best].toSorted(([, left], [, right]) => right - left).map(([key]) => key);
}

// Servers stand in the order of their best tools.
function serverRecall(ranking, relevant, serverOf) {
  const top = new Set([...new Set(ranking.map((key) => serverOf.get(key)))].slice(0, 5));
  const wanted = new Set(relevant.map(([id]) => serverOf.get(id)));
  return [...wanted].filter((server) => top.has(server)).length / wanted.size;
}

function askedRecall(rank, { asked, relevant }) {
  const seen = new Set(rank(asked, ASKED_DEPTH).flatMap((ranking) => ranking.map(({ key }) => key)));
  return relevant.filter((ids) => ids.some((id) => seen.has(id))).length / relevant.length;
}

function costOf(sets, quick) {
  const all = sets.flatMap(({ set, tools }) => tools.map((tool) => ({ ...tool, id: `${set} ${tool.id}` })));
  const needs = sets.flatMap(({ set, files }) =>
    files.flatMap(({ queries }) => queries.map(({ text, relevant }) => ({ text, key: `${set} ${relevant[0][0]}` }))),
  );
  if (all.length === 0 || needs.length === 0) return [];
  const tools = Array.from({ length: Math.max(MANY_TOOLS, all.length) }, (_, index) =>
    index < all.length ? all[index] : { ...all[index % all.length], id: `again ${index}` },
  );
  const rank = createStaticRanker(tools);
  // Each thing is done three times and the shortest time counts, as other programs take theirs too.
  const models = [1, 2, 3].map(() => createSearchModel());
  const times = { update: [], static: [], learned: [] };
  const timed = (kind, run) => {
    let [best, result] = [Infinity, undefined];
    for (const model of models) {
      const begunAt = performance.now();
      result = run(model);
      best = Math.min(best, performance.now() - begunAt);
    }
    times[kind].push(best);
    return result;
  };
  const taught = shuffled(needs, createRandom(2)).slice(0, quick ? 600 : 4_000);
  const rows = taught.map(({ text, key }) => {
    const shown = rank([text], DEPTH)[0].map((tool, index) => ({ key: tool.key, staticRank: index + 1 }));
    return {
      tenant: '',
      principal: '',
      session: '',
      need: readNeed(text),
      shown,
      chosen: shown.some((tool) => tool.key === key) ? key : shown[0].key,
      outcome: 'succeeded',
    };
  });
  for (const row of rows) timed('update', (model) => model.observe(row));
  const advice = openSearchAdvice(openSearchSnapshot(encodeSearchSnapshot(models[0])));
  for (const { text } of shuffled(needs, createRandom(3)).slice(0, quick ? 600 : 4_000)) {
    const staticRanking = timed('static', () => rank([text], CANDIDATES)[0]);
    timed('learned', () => advice.rank({ tenant: '', needs: [text], staticRanking, limit: DEPTH, mayShow: () => true }));
  }
  const set = `${tools.length} tools`;
  const at = (kind, share) => times[kind].toSorted((left, right) => left - right)[Math.floor(times[kind].length * share)];
  const aSecond = (kind) => 1_000 / meanOf(times[kind], (time) => time);
  const cost = (metric, value, more) => ({ capability: 'cost', set, metric, value, ...more });
  return [
    cost('search update p50, ms', at('update', 0.5), { better: 'less' }),
    cost('search update p99, ms', at('update', 0.99), { goal: 1, better: 'less' }),
    cost('search updates a second', Math.round(aSecond('update')), { goal: 10_000 }),
    cost('static ranking p50, ms', at('static', 0.5), { better: 'less' }),
    cost('static ranking p99, ms', at('static', 0.99), { goal: 1, better: 'less' }),
    cost('learned ranking p50, ms', at('learned', 0.5), { better: 'less' }),
    cost('learned ranking p99, ms', at('learned', 0.99), { goal: 1, better: 'less' }),
    cost('learned rankings a second', Math.round(aSecond('learned')), { goal: 5_000 }),
  ];
}
