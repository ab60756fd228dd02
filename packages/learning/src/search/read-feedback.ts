import type { CallInteraction, Interaction, SearchInteraction } from '../interaction.ts';
import type { SearchFeedback } from './search-feedback.ts';

/** How long a search waits for the call that comes of it. */
const PATIENCE_MS = 10 * 60_000;
const MAX_SESSIONS = 10_000;
/** A search is the last one again when this part of its features stood there. */
const ALIKE = 0.7;

interface OpenSearch {
  readonly search: SearchInteraction;
  readonly need: readonly number[];
  called: boolean;
  failed: boolean;
  /** The tool that was called with success last. */
  chosen: string | undefined;
}

/** The key by which search knows a tool. */
export function toolKey({ upstream, tool }: { readonly upstream: string; readonly tool: string }): string {
  return `${upstream}\0${tool}`;
}

/**
 * Returns what joins searches with what was called after them in the same conversation. A call of a tool that was shown and that
 * went well is a choice. A search that is followed by another one without such a call came to nothing.
 */
export function createFeedbackReader(): (interaction: Interaction) => readonly SearchFeedback[] {
  const open = new Map<string, OpenSearch>();

  const readSearch = (search: SearchInteraction): SearchFeedback[] => {
    const session = sessionOf(search);
    const before = open.get(session);
    const need = [...new Set(search.needs.flat())];
    open.delete(session);
    open.set(session, { search, need, called: false, failed: false, chosen: undefined });
    if (open.size > MAX_SESSIONS) open.delete(open.keys().next().value!);
    if (before === undefined || search.atMs - before.search.atMs > PATIENCE_MS) return [];
    if (!before.called) return [toFeedback(before, undefined, 'abandoned')];
    return before.chosen === undefined && areAlike(need, before.need) ? [toFeedback(before, undefined, 'repeated')] : [];
  };

  const readCall = (call: CallInteraction): SearchFeedback[] => {
    const found = open.get(sessionOf(call));
    if (found === undefined || call.atMs - found.search.atMs > PATIENCE_MS) return [];
    const key = toolKey(call);
    if (!found.search.shown.some((shown) => toolKey(shown) === key)) return [];
    found.called = true;
    if (call.ending !== 'ok') {
      found.failed ||= call.ending === 'toolError';
      return [];
    }
    // The same tool again is one choice still.
    if (found.chosen === key) return [];
    found.chosen = key;
    return [toFeedback(found, key, found.failed ? 'repaired' : 'succeeded')];
  };

  return (interaction) => {
    if (interaction.kind === 'search') return readSearch(interaction);
    if (interaction.kind === 'call') return readCall(interaction);
    const { tenant, principal, session, need, verdict } = interaction;
    if (need.length === 0 || verdict <= 0) return [];
    return [{ tenant, principal, session, need, shown: [], chosen: toolKey(interaction), outcome: 'succeeded' }];
  };
}

function sessionOf({ tenant, session, principal }: Interaction): string {
  return `${tenant}\0${session}\0${principal}`;
}

function toFeedback({ search, need }: OpenSearch, chosen: string | undefined, outcome: SearchFeedback['outcome']): SearchFeedback {
  const { tenant, principal, session, shown } = search;
  return {
    tenant,
    principal,
    session,
    need,
    chosen,
    outcome,
    shown: shown.map((tool) => ({ key: toolKey(tool), staticRank: tool.staticRank })),
  };
}

function areAlike(need: readonly number[], before: readonly number[]): boolean {
  const known = new Set(before);
  return need.filter((feature) => known.has(feature)).length >= ALIKE * Math.max(need.length, before.length);
}
