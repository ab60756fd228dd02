import { exactJson, type Clock, type SurfaceKind, type TokenFigures, type ToolDefinition } from '@signalbox/core';
import { SEARCH_DEFINITIONS } from '../search/search-tools.ts';
import type { CatalogView } from './catalog-view.ts';
import type { Catalog } from './catalog.ts';

/** What the list of tools at one address costs its reader with each surface, in tokens. */
export interface ListingCost {
  /** The virtual server; `undefined` for the address where everything is. */
  readonly server: string | undefined;
  /** What it shows at present. */
  readonly surface: SurfaceKind;
  readonly tools: number;
  readonly tokens: Readonly<Record<SurfaceKind, number>>;
  /** Of the definitions of all tools. */
  readonly bytes: number;
  /** Tools that are listed, or would be, with the surface `hot`. */
  readonly hot: readonly { readonly upstream: string; readonly tool: string }[];
  /** Whether it has the tool that its upstream calls so. */
  readonly offers: (upstream: string, tool: string) => boolean;
  /** Whether all of it was counted, and nothing is estimated. */
  readonly isCounted: boolean;
}

/** Tokens of a definition as it is listed. */
export type TokensOf = (definition: ToolDefinition | undefined) => number;

export interface ListingCosts {
  /** Counted where it is known, else estimated. */
  readonly tokensOf: TokensOf;
  /** Of each address. @param hotSetOf Public names of the hot set that one without would have. */
  read(hotSetOf: (view: CatalogView) => readonly string[]): readonly ListingCost[];
  close(): void;
}

export interface ListingCostsOptions {
  readonly catalog: Catalog;
  /** Absent to estimate. */
  readonly figures: TokenFigures | undefined;
  readonly clock: Clock;
}

/** Lists come one after the other while upstreams start, in milliseconds. */
const GATHER_MS = 100;
const BYTES_PER_TOKEN = 4;

/** Has the definitions of all tools counted, now and after each change, and sums them up. Whoever created it closes it. */
export function createListingCosts({ catalog, figures, clock }: ListingCostsOptions): ListingCosts {
  const counted = (definition: ToolDefinition): number | undefined => figures?.tokensOf(exactJson(definition));
  const tokensOf: TokensOf = (definition) => {
    if (definition === undefined) return 0;
    return counted(definition) ?? Math.ceil(Buffer.byteLength(exactJson(definition)) / BYTES_PER_TOKEN);
  };
  const sum = (definitions: readonly ToolDefinition[]): number => definitions.reduce((total, each) => total + tokensOf(each), 0);

  let stopTimer: (() => void) | undefined;
  const tell = (): void => {
    stopTimer = undefined;
    const texts = new Set(SEARCH_DEFINITIONS.map(exactJson));
    for (const { view } of catalog.surfaces) for (const definition of definitionsOf(view)) texts.add(exactJson(definition));
    figures?.setTexts(texts);
  };
  const schedule = (): void => void (stopTimer ??= clock.after(GATHER_MS, tell));
  const stopWatching = figures && catalog.watchUpdates(schedule);
  if (figures !== undefined) schedule();

  return {
    tokensOf,
    read: (hotSetOf) =>
      catalog.surfaces.map(({ name, kind, view, hotSet }) => {
        const all = definitionsOf(view);
        const hot = kind === 'hot' ? hotSet : hotSetOf(view);
        const search = sum(SEARCH_DEFINITIONS);
        return {
          server: name,
          surface: kind,
          tools: all.length,
          tokens: { all: sum(all), hot: search + sum(hot.flatMap((each) => view.definition(each) ?? [])), search },
          hot: hot.flatMap((each) => {
            const target = view.tools.get(each);
            return target === undefined ? [] : [{ upstream: target.upstream, tool: target.name }];
          }),
          bytes: all.reduce((total, each) => total + Buffer.byteLength(exactJson(each)), 0),
          offers: (upstream, tool) => view.toolOf(upstream, tool) !== undefined,
          isCounted: [...all, ...SEARCH_DEFINITIONS].every((each) => counted(each) !== undefined),
        };
      }),
    close: () => {
      stopWatching?.();
      stopTimer?.();
    },
  };
}

function definitionsOf(view: CatalogView): ToolDefinition[] {
  return [...view.tools.keys()].flatMap((name) => view.definition(name) ?? []);
}
