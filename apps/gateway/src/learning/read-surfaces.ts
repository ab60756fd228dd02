import type { SurfacesBody } from '@signalbox/control-plane';
import type { DataPlane, ListingCost } from '@signalbox/data-plane';
import type { ClientReport, LearnerThread } from '@signalbox/learning';
import { adviseSurface, readSearching, type SearchEvidence, type SurfaceAdvice } from './advise-surface.ts';

export interface SurfaceSources {
  readonly thread: Pick<LearnerThread, 'ask'>;
  readonly listingCosts: DataPlane['listingCosts'];
}

const MAX_CLIENTS = 100;

/** What lists cost at each address, and for each client which surface fits it. */
export async function readSurfaces({ thread, listingCosts }: SurfaceSources): Promise<SurfacesBody> {
  const reports = await thread.ask<readonly ClientReport[]>('surfaces', MAX_CLIENTS);
  const listings = listingCosts();
  const sum = (member: 'searches' | 'succeeded' | 'found' | 'answerBytes') => reports.reduce((total, each) => total + each[member], 0);
  const others = readSearching({
    searches: sum('searches'),
    succeeded: sum('succeeded'),
    found: sum('found'),
    answerBytes: sum('answerBytes'),
  });
  return { addresses: listings.map(toAddress), clients: reports.map((report) => toClient(report, { listings, others })) };
}

function toAddress({ server, surface, tools, tokens, hot, isCounted }: ListingCost): SurfacesBody['addresses'][number] {
  return {
    ...(server !== undefined && { server }),
    surface,
    tools,
    tokens: { ...tokens },
    hotTools: hot.map((each) => ({ ...each })),
    estimated: !isCounted,
  };
}

interface Weighing {
  readonly listings: readonly ListingCost[];
  readonly others: SearchEvidence | undefined;
}

function toClient(report: ClientReport, { listings, others }: Weighing): SurfacesBody['clients'][number] {
  const { client, conversations, tools, searches, repeated } = report;
  const served = readSearching(report)?.served;
  return {
    client,
    conversations,
    toolsEach: tools / Math.max(1, conversations),
    searches,
    ...(served && { served: { ...served }, repeated: Math.min(1, repeated / searches) }),
    advice: listings.flatMap((listing) => toAdviceBody(adviseSurface(report, { listing, others }))),
  };
}

function toAdviceBody(advice: SurfaceAdvice | undefined): SurfacesBody['clients'][number]['advice'] {
  if (advice === undefined) return [];
  const { server, surface, advised, tokens, reason } = advice;
  return [
    {
      ...(server !== undefined && { server }),
      surface,
      ...(advised !== undefined && { advised }),
      tokens: { all: tokens.all ?? 0, ...tokens },
      reason,
    },
  ];
}
