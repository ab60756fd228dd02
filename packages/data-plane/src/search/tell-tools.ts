import type { Clock, Embedder } from '@signalbox/core';
import type { Catalog } from '../catalog/catalog.ts';
import { meaningTextOf } from './meaning-text.ts';

/** Lists come one after the other while upstreams start, in milliseconds. */
const GATHER_MS = 100;

/** Tells an embedder which tools can be searched for, now and after each change. Returns its own stop function. */
export function tellTools(embedder: Embedder, { catalog, clock }: { readonly catalog: Catalog; readonly clock: Clock }): () => void {
  let stopTimer: (() => void) | undefined;
  const tell = (): void => {
    stopTimer = undefined;
    const texts = new Set<string>();
    for (const { isSearched, view } of catalog.surfaces)
      if (isSearched) for (const target of view.tools.values()) texts.add(meaningTextOf(target));
    embedder.setTools(texts);
  };
  const schedule = (): void => void (stopTimer ??= clock.after(GATHER_MS, tell));
  const stopWatching = catalog.watchUpdates(schedule);
  schedule();
  return () => {
    stopWatching();
    stopTimer?.();
  };
}
