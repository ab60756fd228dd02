import type { Model, ModelState, TableSpec } from '../model.ts';
import { FairShare } from './fair-share.ts';
import { createLearnedRanker, type LearnedTool, type RankAsking } from './rank-learned.ts';
import type { SearchFeedback } from './search-feedback.ts';
import { createToolScores, scoreTools, weightScale } from './score-tools.ts';
import { TenantMemory } from './tenant-memory.ts';
import { toName } from './to-name.ts';
import { gradeOf, learnTrust, scoreAtRank, TRUST_PLACES, type Candidate } from './trust.ts';
import { LINK_SIZE, WEIGHT_UNIT } from './posting.ts';

export interface SearchModel extends Model<SearchFeedback> {
  /** Ranks with all that was learned so far. A tenant of which nothing is known gets the static ranking. */
  rank(asking: RankAsking & { readonly tenant: string }): readonly LearnedTool[];
  readonly tenants: ReadonlyMap<string, TenantMemory>;
}

const TABLES: readonly TableSpec[] = [
  { name: 'tools', columns: ['choices'], rule: 'sum' },
  { name: 'features', columns: ['seen'], rule: 'sum' },
  { name: 'links', columns: ['choices', 'weight'], rule: 'sum' },
  { name: 'callers', columns: ['choices'], rule: 'sum' },
  { name: 'trust', columns: ['choices', 'logWeight'], rule: 'mean' },
];

const MAX_TENANTS = 100;
/** Links of features to tools that all tenants have together, at 12 bytes each, and that one of many may always have. */
const MAX_LINKS = 1_600_000;
const LINKS_OF_ONE = 800_000;
const MIN_LINKS = 16_000;
const MAX_FEATURES = 128;
const MAX_SHOWN = 20;
const STEP = 2.5;
/** Of all choices, those that are reckoned to be made at random. */
const RANDOM_SHARE = 0.1;
/** Steps smaller than this say too little for what they cost. */
const MIN_STEP = 0.05;
const ABANDONED_SHARE = 0.5;
const ABANDONED = '\u0001';
/** A tool that had more than this part of all choices says less about trust with each of them. */
const TOOL_PART = 0.1;

interface Tenant {
  readonly memory: TenantMemory;
  readonly fairShare: FairShare;
}

/**
 * Learns which tools serve which needs from what callers choose among the tools they are shown: counts of choices for each feature of
 * a need, weights that set the chosen tool apart from the others that were shown, and how far all this is to be trusted beside the
 * static ranking.
 */
export function createSearchModel({ maxLinks = LINKS_OF_ONE }: { readonly maxLinks?: number } = {}): SearchModel {
  const tenants = new Map<string, Tenant>();
  const memories = new Map<string, TenantMemory>();
  const scores = createToolScores();
  const rankLearned = createLearnedRanker();
  const nothing = new TenantMemory();

  const tenantOf = (name: string): Tenant => {
    let tenant = tenants.get(name);
    if (tenant !== undefined) return tenant;
    if (tenants.size >= MAX_TENANTS) {
      const [least] = [...tenants].reduce((left, right) => (right[1].memory.choices < left[1].memory.choices ? right : left));
      tenants.delete(least);
      memories.delete(least);
    }
    tenant = { memory: new TenantMemory(), fairShare: new FairShare() };
    tenants.set(name, tenant);
    memories.set(name, tenant.memory);
    return tenant;
  };

  const observe = (event: SearchFeedback): void => {
    const { memory, fairShare } = tenantOf(toName(event.tenant));
    const need = event.need.slice(0, MAX_FEATURES).map((feature) => feature >>> 0);
    const [principal, session] = [toName(event.principal), toName(event.session)];
    const isChosen = event.chosen !== undefined && event.outcome !== 'abandoned' && event.outcome !== 'repeated';
    const key = isChosen ? event.chosen! : ABANDONED;
    if (need.length === 0 || !fairShare.take({ principal, session, key })) return;
    const listed = event.shown.slice(0, MAX_SHOWN);
    if (isChosen) memory.numberOf(key);
    scoreTools(memory, need, scores);
    const shown = listed.map((tool): Candidate => ({ tool: memory.toolOf(tool.key), staticRank: tool.staticRank }));
    const chosen = isChosen ? listed.findIndex((tool) => tool.key === key) : -1;
    if (chosen >= 0) {
      let best = 0;
      for (const { tool } of shown) if (tool >= 0) best = Math.max(best, scores.evidence[tool]!);
      learnTrust(memory.trust, { shown, chosen, scores, grade: gradeOf(best), share: shareOf(memory, shown[chosen]!.tool) });
    }
    if (!isChosen || chosen >= 0) learnWeights(memory, { need, listed, shown, chosen });
    if (isChosen && memory.toolOf(key) >= 0) memory.addChoice(need, memory.toolOf(key));
    memory.makeRoom(Math.min(maxLinks, Math.max(MIN_LINKS, MAX_LINKS / tenants.size)));
  };

  // Among what was shown, the chosen tool moves up and the others down, by how much that is news.
  const learnWeights = (
    memory: TenantMemory,
    {
      need,
      listed,
      shown,
      chosen,
    }: { need: readonly number[]; listed: SearchFeedback['shown']; shown: readonly Candidate[]; chosen: number },
  ): void => {
    const all = shown.map(({ tool, staticRank }) => scoreAtRank(staticRank) + (tool < 0 ? 0 : scores.learned[tool]!));
    // Where nothing was chosen, that is one more possibility.
    const top = all.reduce((most, score) => Math.max(most, score), chosen < 0 ? 0 : -Infinity);
    const odds = all.map((score) => Math.exp(score - top));
    const sum = odds.reduce((total, odd) => total + odd, chosen < 0 ? Math.exp(-top) : 0);
    const scale = (chosen < 0 ? ABANDONED_SHARE : meantShare(odds[chosen]! / sum, odds.length)) * STEP * weightScale(need);
    const changes = odds.flatMap((odd, place) => {
      const error = (place === chosen ? 1 : 0) - odd / sum;
      const by = Math.round((scale * error) / WEIGHT_UNIT);
      if (Math.abs(error) < MIN_STEP || by === 0) return [];
      const tool = memory.numberOf(listed[place]!.key);
      return tool < 0 ? [] : [{ tool, by }];
    });
    memory.addWeights(need, changes);
  };

  return {
    name: 'search',
    tables: TABLES,
    tenants: memories,
    observe,
    rank: ({ tenant, ...asking }) => rankLearned(memories.get(toName(tenant)) ?? nothing, asking),
    save: () => saveTenants(tenants),
    load(state) {
      tenants.clear();
      memories.clear();
      loadTenants(state, tenantOf);
    },
  };
}

/** How likely a choice was meant, by the odds that were given to it among so many. */
function meantShare(odds: number, among: number): number {
  const meant = (1 - RANDOM_SHARE) * odds;
  return meant / (meant + RANDOM_SHARE / among);
}

function shareOf(memory: TenantMemory, tool: number): number {
  if (tool < 0) return 1;
  const had = memory.choicesOf(tool);
  return had <= TOOL_PART * memory.choices || had < 20 ? 1 : (TOOL_PART * memory.choices) / had;
}

function saveTenants(tenants: ReadonlyMap<string, Tenant>): ModelState {
  const tables = new Map(TABLES.map(({ name }) => [name, new Map<string, readonly number[]>()]));
  const put = (table: string, key: string, row: readonly number[]) => tables.get(table)!.set(key, row);
  for (const [tenant, { memory, fairShare }] of tenants) {
    for (let tool = 0; tool < memory.tools; tool++) put('tools', `${tenant}\0${memory.keyOf(tool)}`, [memory.choicesOf(tool)]);
    for (const [feature, { seen, links, to }] of memory.postings) {
      const start = `${tenant}\0${feature.toString(36)}`;
      put('features', start, [seen]);
      for (let at = 0; at < to; at += LINK_SIZE) put('links', `${start}\0${memory.keyOf(links[at]!)}`, [links[at + 1]!, links[at + 2]!]);
    }
    for (const [row, counts] of fairShare.save()) put('callers', `${tenant}\0${row}`, counts);
    for (let place = 0; place < TRUST_PLACES; place++) put('trust', `${tenant}\0${place}`, [memory.choices, memory.trust[place]!]);
  }
  return tables;
}

function loadTenants(state: ModelState, tenantOf: (name: string) => Tenant): void {
  const each = (table: string, take: (tenant: Tenant, rest: string, row: readonly number[]) => void) => {
    for (const [key, row] of state.get(table) ?? []) {
      const end = key.indexOf('\0');
      if (end >= 0) take(tenantOf(key.slice(0, end)), key.slice(end + 1), row);
    }
  };
  each('tools', ({ memory }, key, [choices]) => memory.restoreTool(key, choices!));
  each('features', ({ memory }, feature, [seen]) => memory.restoreFeature(Number.parseInt(feature, 36), seen!));
  each('links', ({ memory }, rest, [count, weight]) => {
    const end = rest.indexOf('\0');
    memory.restoreLink(Number.parseInt(rest.slice(0, end), 36), rest.slice(end + 1), [count!, weight!]);
  });
  each('callers', ({ fairShare }, row, counts) => fairShare.load([[row, counts]]));
  each('trust', ({ memory }, place, [, logWeight]) => void (memory.trust[Number(place)] = logWeight!));
}
