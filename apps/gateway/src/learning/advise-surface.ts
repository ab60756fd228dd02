import type { SurfaceKind } from '@signalbox/core';
import type { ListingCost } from '@signalbox/data-plane';
import type { ClientReport } from '@signalbox/learning';

/** Which surface costs a client software fewest tokens at an address, and what speaks for it. */
export interface SurfaceAdvice {
  readonly server: string | undefined;
  readonly surface: SurfaceKind;
  /** The present one where no other is surely better; `undefined` while too little is known. */
  readonly advised: SurfaceKind | undefined;
  /** Tokens of one conversation with each surface, as far as they are known. */
  readonly tokens: Readonly<Partial<Record<SurfaceKind, number>>>;
  readonly reason: string;
}

export interface SearchEvidence {
  /** Share of searches that were followed by a call that went well, and its interval of 95 %. */
  readonly served: { readonly share: number; readonly low: number; readonly high: number };
  readonly searchesPerTool: number;
  readonly bytesPerSearch: number;
}

type Searching = Pick<ClientReport, 'searches' | 'succeeded' | 'found' | 'answerBytes'>;

const LEAST_CONVERSATIONS = 20;
const LEAST_SEARCHES = 20;
/** Where no more than this share of searches surely serves, what they save is worth nothing. */
const LEAST_SERVED = 0.5;
/** Another surface is advised when it saves this share. */
const LEAST_GAIN = 0.2;
/** An address has what a client needs when this share of its tools is there. */
const LEAST_OFFERED = 0.5;
/** Of the normal distribution, for 95 %. */
const Z = 1.96;

/** @returns `undefined` for too few searches to tell what searching costs. */
export function readSearching({ searches, succeeded, found, answerBytes }: Searching): SearchEvidence | undefined {
  if (searches < LEAST_SEARCHES) return undefined;
  return {
    served: wilson(succeeded, searches),
    searchesPerTool: searches / Math.max(1, found),
    bytesPerSearch: answerBytes / searches,
  };
}

/**
 * Weighs for one client at one address what its list of tools costs against what finding the tools costs that its conversations use.
 * @param options.others What searching costs all clients, for one that has not searched itself.
 * @returns `undefined` where the address does not have what the client uses.
 */
export function adviseSurface(
  report: ClientReport,
  { listing, others }: { readonly listing: ListingCost; readonly others: SearchEvidence | undefined },
): SurfaceAdvice | undefined {
  const { conversations, tools, uses } = report;
  const shareOf = (isIn: (use: ClientReport['uses'][number]) => boolean): number => {
    const all = uses.reduce((sum, use) => sum + use.conversations, 0);
    return all === 0 ? 0 : uses.reduce((sum, use) => sum + (isIn(use) ? use.conversations : 0), 0) / all;
  };
  if (shareOf(({ upstream, tool }) => listing.offers(upstream, tool)) < LEAST_OFFERED) return undefined;
  const { server, surface } = listing;
  const own = readSearching(report);
  const searching = own ?? others;
  const toolsEach = tools / Math.max(1, conversations);
  const hotShare = shareOf((use) => listing.hot.some(({ upstream, tool }) => upstream === use.upstream && tool === use.tool));
  const tokens = searching === undefined ? { all: listing.tokens.all } : conversationTokens(listing, { searching, toolsEach, hotShare });
  const advise = (advised: SurfaceKind | undefined, reason: string): SurfaceAdvice => ({ server, surface, advised, tokens, reason });

  if (conversations < LEAST_CONVERSATIONS) return advise(undefined, `${conversations} of ${LEAST_CONVERSATIONS} conversations are known`);
  if (searching === undefined)
    return advise(undefined, `what searching costs is not known before ${LEAST_SEARCHES} searches; let some clients search`);
  if (searching.served.low < LEAST_SERVED) {
    const { share, low } = searching.served;
    return advise('all', `searches do not surely serve: ${percent(share)} led to a call that went well, at least ${percent(low)}`);
  }
  const costs = tokens as Record<SurfaceKind, number>;
  const best = (['all', 'hot', 'search'] as const).reduce((one, other) => (costs[other] < costs[one] ? other : one));
  const gain = 1 - costs[best] / costs[surface];
  if (gain < LEAST_GAIN) return advise(surface, `no other saves ${percent(LEAST_GAIN)}`);
  const by = own === undefined ? 'as others search' : 'as it searches';
  return advise(best, `saves ${percent(gain)} of the tokens of a conversation that uses ${toolsEach.toFixed(1)} tools, ${by}`);
}

interface Conversation {
  readonly searching: SearchEvidence;
  /** Tools that it uses, and the share of them that is in the hot set. */
  readonly toolsEach: number;
  readonly hotShare: number;
}

function conversationTokens(
  { tokens, tools, bytes }: ListingCost,
  { searching: { searchesPerTool, bytesPerSearch }, toolsEach, hotShare }: Conversation,
): Record<SurfaceKind, number> {
  // Answers to searches hold what definitions hold, so their bytes are as many tokens; and what is found is described once.
  const perTool = searchesPerTool * bytesPerSearch * (tokens.all / Math.max(1, bytes)) + tokens.all / Math.max(1, tools);
  return {
    all: tokens.all,
    hot: Math.round(tokens.hot + toolsEach * (1 - hotShare) * perTool),
    search: Math.round(tokens.search + toolsEach * perTool),
  };
}

// The interval of Wilson (1927), which holds for few and for extreme shares as well.
function wilson(count: number, of: number): SearchEvidence['served'] {
  const share = Math.min(1, count / of);
  const middle = share + Z ** 2 / (2 * of);
  const spread = Z * Math.sqrt((share * (1 - share)) / of + Z ** 2 / (4 * of ** 2));
  const scale = 1 + Z ** 2 / of;
  return { share, low: Math.max(0, (middle - spread) / scale), high: Math.min(1, (middle + spread) / scale) };
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
