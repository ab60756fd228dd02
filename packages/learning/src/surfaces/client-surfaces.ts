import { EvidenceTable } from '../behaviour/evidence-table.ts';
import type { CallInteraction, Interaction, SearchInteraction } from '../interaction.ts';
import type { Model, ModelState } from '../model.ts';
import { createFeedbackReader } from '../search/read-feedback.ts';
import type { SearchFeedback } from '../search/search-feedback.ts';
import { toName } from '../search/to-name.ts';
import { joinKey, splitKey } from '../tool-key.ts';

/** What conversations of one client software need and what searching costs them. */
export interface ClientReport {
  /** As it calls itself. */
  readonly client: string;
  readonly conversations: number;
  /** Tools that were called with success, each once for each conversation. */
  readonly tools: number;
  /** Of them, those that a search had shown. */
  readonly found: number;
  readonly searches: number;
  /** Searches that a call of a tool they had shown followed and that went well; those that only another search followed. */
  readonly succeeded: number;
  readonly repeated: number;
  /** Of all answers to searches. */
  readonly answerBytes: number;
  /** In how many conversations each tool was called with success. */
  readonly uses: readonly { readonly upstream: string; readonly tool: string; readonly conversations: number }[];
}

export interface ClientSurfaces extends Model<Interaction> {
  /** Most conversations first. */
  reports(limit: number): readonly ClientReport[];
}

const CLIENT = ['conversations', 'tools', 'found', 'searches', 'succeeded', 'repeated', 'answerBytes'] as const;
const USE = ['conversations'] as const;
const TALK = ['lastMs', 'startMs', 'searchMs', 'succeededMs', 'repeatedMs'] as const;
const SEEN = ['lastMs', 'startMs', 'foundMs'] as const;
const [CONVERSATIONS, TOOLS, FOUND, SEARCHES, SUCCEEDED, REPEATED, BYTES] = [0, 1, 2, 3, 4, 5, 6] as const;
const [LAST, START, SEARCH_AT, SUCCEEDED_AT, REPEATED_AT] = [0, 1, 2, 3, 4] as const;
const FOUND_AT = 2;

const MAX_CLIENTS = 500;
const MAX_USES = 20_000;
const MAX_TALKS = 5_000;
const MAX_SEEN = 20_000;
/** After such a pause a client without sessions, or with one that never ends, begins another conversation. */
const PAUSE_MS = 30 * 60_000;

/** Counts for each client software what its conversations use and what its searches came to. Sums, so that what several have seen adds up. */
export function createClientSurfaces(): ClientSurfaces {
  const clients = new EvidenceTable({ columns: CLIENT.length, maxRows: MAX_CLIENTS, evidence: CONVERSATIONS });
  const uses = new EvidenceTable({ columns: USE.length, maxRows: MAX_USES, evidence: 0 });
  const talks = new EvidenceTable({ columns: TALK.length, maxRows: MAX_TALKS, evidence: LAST });
  const seen = new EvidenceTable({ columns: SEEN.length, maxRows: MAX_SEEN, evidence: LAST });
  const tables = { clients, uses, talks, seen };
  const readFeedback = createFeedbackReader();

  const open = (fact: Interaction): { readonly client: number[]; readonly talk: number[] } => {
    const name = clientKey(fact);
    const client = clients.get(name) ?? clients.add(name);
    const key = talkKey(fact);
    const talk = talks.get(key) ?? talks.add(key);
    if (client[CONVERSATIONS] === 0 || talk[START] === 0 || fact.atMs - talk[LAST]! > PAUSE_MS) {
      talk.fill(0);
      talk[START] = fact.atMs;
      client[CONVERSATIONS]!++;
    }
    talk[LAST] = Math.max(talk[LAST]!, fact.atMs);
    return { client, talk };
  };
  const observeCall = (call: CallInteraction): void => {
    const { client, talk } = open(call);
    if (call.ending !== 'ok') return;
    const row = seeTool(call);
    if (row[START] === talk[START]) return;
    row[START] = talk[START]!;
    client[TOOLS]!++;
    const use = joinKey(clientKey(call), call.upstream, call.tool);
    (uses.get(use) ?? uses.add(use))[0]!++;
  };
  const seeTool = (call: CallInteraction): number[] => {
    const key = joinKey(talkKey(call), call.upstream, call.tool);
    const row = seen.get(key) ?? seen.add(key);
    row[LAST] = Math.max(row[LAST]!, call.atMs);
    return row;
  };
  const observeSearch = (search: SearchInteraction): void => {
    const { client, talk } = open(search);
    // Needs of one search come one by one, at the same time.
    if (talk[SEARCH_AT] !== search.atMs) client[SEARCHES]!++;
    talk[SEARCH_AT] = search.atMs;
    client[BYTES]! += search.answerBytes ?? 0;
  };
  const take = ({ search, chosen, outcome, shown }: SearchFeedback, fact: Interaction): void => {
    const talk = search && talks.get(talkKey(search));
    const client = search && clients.get(clientKey(search));
    // What came before a pause was counted with another conversation.
    if (search === undefined || talk === undefined || client === undefined || search.atMs < talk[START]!) return;
    if (outcome === 'abandoned' || outcome === 'repeated') {
      if ([talk[SUCCEEDED_AT], talk[REPEATED_AT]].includes(search.atMs)) return;
      talk[REPEATED_AT] = search.atMs;
      client[REPEATED]!++;
      return;
    }
    const isShown = shown.slice(0, search.shown.length).some(({ key }) => key === chosen);
    if (!isShown || fact.kind !== 'call') return;
    if (talk[SUCCEEDED_AT] !== search.atMs) client[SUCCEEDED]!++;
    talk[SUCCEEDED_AT] = search.atMs;
    const row = seeTool(fact);
    if (row[FOUND_AT] === talk[START]) return;
    row[FOUND_AT] = talk[START]!;
    client[FOUND]!++;
  };

  return {
    name: 'surfaces',
    tables: [
      { name: 'clients', columns: CLIENT, rule: 'sum' },
      { name: 'uses', columns: USE, rule: 'sum' },
      { name: 'talks', columns: TALK, rule: 'latest' },
      { name: 'seen', columns: SEEN, rule: 'latest' },
    ],
    observe: (fact) => {
      if (fact.kind === 'feedback' || fact.kind === 'comparison' || !Number.isFinite(fact.atMs)) return;
      const feedback = readFeedback(fact);
      // What a search that comes now says of the last one belongs to the conversation of that one.
      if (fact.kind === 'search') for (const each of feedback) take(each, fact);
      if (fact.kind === 'search') return observeSearch(fact);
      if (fact.ending === 'cancelled') return;
      observeCall(fact);
      for (const each of feedback) take(each, fact);
    },
    reports: (limit) => {
      const usesOf = new Map<string, ClientReport['uses'][number][]>();
      for (const [key, [conversations = 0]] of uses.rows) {
        const [tenant = '', client = '', upstream = '', tool = ''] = splitKey(key);
        const name = joinKey(tenant, client);
        const own = usesOf.get(name);
        if (own === undefined) usesOf.set(name, [{ upstream, tool, conversations }]);
        else own.push({ upstream, tool, conversations });
      }
      return [...clients.rows]
        .toSorted(([one, a], [other, b]) => b[CONVERSATIONS]! - a[CONVERSATIONS]! || (one < other ? -1 : 1))
        .slice(0, limit)
        .map(([key, row]) => ({
          client: splitKey(key)[1]!,
          conversations: row[CONVERSATIONS]!,
          tools: row[TOOLS]!,
          found: row[FOUND]!,
          searches: row[SEARCHES]!,
          succeeded: row[SUCCEEDED]!,
          repeated: row[REPEATED]!,
          answerBytes: row[BYTES]!,
          uses: usesOf.get(key) ?? [],
        }));
    },
    save: (): ModelState => new Map(Object.entries(tables).map(([name, table]) => [name, table.save()])),
    load: (state) => {
      for (const [name, table] of Object.entries(tables)) table.load(state.get(name));
    },
  };
}

function clientKey({ tenant, client }: Interaction): string {
  return joinKey(tenant, toName(client));
}

function talkKey(fact: Interaction): string {
  return joinKey(clientKey(fact), fact.session, fact.principal);
}
