import type { CallInteraction, Interaction, SearchInteraction } from '../interaction.ts';
import type { SearchFeedback } from './search-feedback.ts';

/** How long a search waits for the call that comes of it. */
const PATIENCE_MS = 10 * 60_000;
const MAX_SESSIONS = 10_000;
/** Somebody who searches again within this time without a call in between says the same in other words. */
const REPHRASED_MS = 2 * 60_000;
const MAX_REPHRASED = 2;
/** A search is the last one again when this part of its features stood there. */
const ALIKE = 0.7;

interface OpenSearch {
  readonly search: SearchInteraction;
  readonly need: readonly number[];
  called: boolean;
  failed: boolean;
  /** The tool that was called with success last. */
  chosen: string | undefined;
  /** Searches right before, newest first, that came to nothing and were said in other words by this one. */
  readonly before: readonly OpenSearch[];
}

/** The key by which search knows a tool. */
export function toolKey({ upstream, tool }: { readonly upstream: string; readonly tool: string }): string {
  return `${upstream}\0${tool}`;
}

/**
 * Returns what joins searches with what was called after them in the same conversation. A call of a tool that was shown and that
 * went well is a choice. A search that is followed by another one without such a call came to nothing; what is chosen then in the end
 * is what was meant from the beginning.
 */
export function createFeedbackReader(): (interaction: Interaction) => readonly SearchFeedback[] {
  // Needs of one search come one by one, at the same time.
  const open = new Map<string, OpenSearch[]>();

  const readSearch = (search: SearchInteraction): SearchFeedback[] => {
    const session = sessionOf(search);
    const before = open.get(session) ?? [];
    const need = [...new Set(search.needs.flat())];
    const own: OpenSearch = { search, need, called: false, failed: false, chosen: undefined, before: [] };
    open.delete(session);
    if (before[0]?.search.atMs === search.atMs) {
      open.set(session, [...before, own]);
      return [];
    }
    open.set(session, [{ ...own, before: rephrasedBy(search, before) }]);
    if (open.size > MAX_SESSIONS) open.delete(open.keys().next().value!);
    return before.flatMap((each): SearchFeedback[] => {
      if (search.atMs - each.search.atMs > PATIENCE_MS) return [];
      if (!each.called) return [toFeedback(each, undefined, 'abandoned')];
      return each.chosen === undefined && areAlike(need, each.need) ? [toFeedback(each, undefined, 'repeated')] : [];
    });
  };

  const readCall = (call: CallInteraction): SearchFeedback[] => {
    const key = toolKey(call);
    const found = bestFor(key, open.get(sessionOf(call)) ?? []);
    if (found === undefined || call.atMs - found.search.atMs > PATIENCE_MS) return [];
    found.called = true;
    if (call.ending !== 'ok') {
      found.failed ||= call.ending === 'toolError';
      return [];
    }
    // The same tool again is one choice still.
    if (found.chosen === key) return [];
    found.chosen = key;
    const meant = found.before.map((each) => toFeedback(each, key, 'repaired'));
    return [toFeedback(found, key, found.failed ? 'repaired' : 'succeeded'), ...meant];
  };

  return (interaction) => {
    if (interaction.kind === 'search') return readSearch(interaction);
    if (interaction.kind === 'call') return readCall(interaction);
    if (interaction.kind === 'comparison') return [];
    const { tenant, principal, session, need, verdict, anomaly } = interaction;
    if (anomaly !== '' || need.length === 0 || verdict <= 0) return [];
    return [{ tenant, principal, session, need, shown: [], chosen: toolKey(interaction), outcome: 'succeeded' }];
  };
}

function rephrasedBy(search: SearchInteraction, before: readonly OpenSearch[]): readonly OpenSearch[] {
  const [last] = before;
  // Of several needs nobody can tell which one is meant.
  if (last === undefined || before.length > 1 || last.called || search.atMs - last.search.atMs > REPHRASED_MS) return [];
  return [last, ...last.before].slice(0, MAX_REPHRASED);
}

// Of several needs, a tool was most likely called for the one that it was shown highest for.
function bestFor(key: string, searches: readonly OpenSearch[]): OpenSearch | undefined {
  const places = searches.map(({ search }) => search.shown.findIndex((shown) => toolKey(shown) === key));
  let best: number | undefined;
  for (const [index, place] of places.entries()) if (place >= 0 && (best === undefined || place < places[best]!)) best = index;
  return best === undefined ? undefined : searches[best];
}

function sessionOf({ tenant, session, principal }: Interaction): string {
  return `${tenant}\0${session}\0${principal}`;
}

function toFeedback({ search, need }: OpenSearch, chosen: string | undefined, outcome: SearchFeedback['outcome']): SearchFeedback {
  const { tenant, principal, session } = search;
  const shown = search.shown.map((tool) => ({ key: toolKey(tool), staticRank: tool.staticRank }));
  // What was found in the end by other words was not shown for these.
  if (chosen !== undefined && !shown.some(({ key }) => key === chosen)) shown.push({ key: chosen, staticRank: 0 });
  return { tenant, principal, session, need, chosen, outcome, shown, search };
}

function areAlike(need: readonly number[], before: readonly number[]): boolean {
  const known = new Set(before);
  return need.filter((feature) => known.has(feature)).length >= ALIKE * Math.max(need.length, before.length);
}
