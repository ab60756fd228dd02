import { isObject, toMessage, type Clock, type DocumentStore, type LearningConfig, type Logger, type ToolUsage } from '@signalbox/core';
import type { AdviceGuard } from '../advice-guard.ts';
import type { Catalog } from './catalog.ts';
import type { LeadDocuments } from '../upstreams/led-documents.ts';
import type { CatalogView } from './catalog-view.ts';
import type { TokensOf } from './listing-costs.ts';
import type { Surface } from './surface.ts';

export interface HotSetsOptions {
  readonly catalog: Catalog;
  readonly advice: AdviceGuard;
  readonly config: LearningConfig['hotSet'];
  readonly tokensOf: TokensOf;
  readonly documents: DocumentStore;
  /** Where another process decides. */
  readonly lead: LeadDocuments | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Decides which tools addresses with the surface `hot` list. Whoever created it closes it. */
export interface HotSets {
  /** Shows what was decided in an earlier run, and decides anew from time to time. */
  start(): Promise<void>;
  close(): void;
}

/** What was decided for an address. */
interface Decision {
  readonly names: readonly string[];
  /** Wall clock, milliseconds since 1970. */
  readonly decidedAtMs: number;
}

const DOCUMENT = 'hot-sets';
/** Stands for the address where everything is, which has no name. */
const MAIN = '';
const HOUR_MS = 3_600_000;
/** Time between two looks at whether something is to be decided, in milliseconds. */
const LOOK_MS = 1_000;
/** A tool with less than this has not shown that it is used. */
const LEAST_WEIGHT = 5;
/** What is listed stays until another is used that much more, so that lists do not change to and fro. */
const STAY_FACTOR = 1.5;

export function createHotSets({ catalog, advice, config, tokensOf, documents, lead, clock, logger }: HotSetsOptions): HotSets {
  const epochMs = config.epochHours * HOUR_MS;
  const decisions = new Map<string, Decision>();
  let stop = (): void => undefined;
  let stopFollowing = (): void => undefined;
  let isClosed = false;
  const look = (): void => {
    let isChanged = false;
    for (const [name, surface] of surfacesOf(catalog)) {
      const before = decisions.get(name);
      // One that has shown nothing yet need not wait.
      if (before !== undefined && before.names.length > 0 && clock.now() < before.decidedAtMs + epochMs) continue;
      const ask = advice.current()?.usage;
      const usage = ask && advice.ask(ask);
      if (usage === undefined) continue;
      const names = chooseHotSet({ usage, before: before?.names ?? [], view: surface.view, config, tokensOf });
      // What nobody offers at the moment may only be away.
      if (names.length === 0) continue;
      decisions.set(name, { names, decidedAtMs: clock.now() });
      surface.setHotSet(names);
      isChanged = true;
    }
    if (isChanged) save();
  };
  const save = (): void => {
    documents
      .write(DOCUMENT, Object.fromEntries(decisions))
      .catch((error: unknown) => logger.error('could not remember the hot sets', { error: toMessage(error) }));
  };
  // An address that has just come gets what it had, and each its first set soon after there is something to go by.
  const show = (): void => {
    for (const [name, surface] of surfacesOf(catalog)) surface.setHotSet(decisions.get(name)?.names ?? surface.hotSet);
  };
  const tick = (): void => {
    if (isClosed) return;
    show();
    if (lead === undefined) look();
    stop = clock.after(LOOK_MS, tick);
  };
  return {
    start: async () => {
      if (lead !== undefined) {
        stopFollowing = lead.watch((key, document) => {
          if (key !== DOCUMENT) return;
          for (const [name, decision] of readDecisions(document)) decisions.set(name, decision);
          show();
        });
        return tick();
      }
      for (const [name, decision] of readDecisions(await documents.read(DOCUMENT))) decisions.set(name, decision);
      // Processes that are led hear of what is written only.
      if (decisions.size > 0) save();
      tick();
    },
    close: () => {
      isClosed = true;
      stop();
      stopFollowing();
    },
  };
}

export interface Choice {
  readonly usage: readonly ToolUsage[];
  /** Public names listed until now. */
  readonly before: readonly string[];
  readonly view: CatalogView;
  readonly config: Pick<LearningConfig['hotSet'], 'maxTools' | 'maxTokens'>;
  readonly tokensOf: TokensOf;
}

/** @returns public names, those that stay in their order and new ones behind them, so that a list begins as it did. */
export function chooseHotSet({ usage, before, view, config, tokensOf }: Choice): readonly string[] {
  const publicNames = new Map([...view.tools].map(([name, target]) => [target, name]));
  const listed = new Set(before);
  const candidates = usage
    .flatMap(({ upstream, tool, weight }) => {
      const target = view.toolOf(upstream, tool);
      const name = target && publicNames.get(target);
      return name === undefined || weight < LEAST_WEIGHT ? [] : [{ name, weight: listed.has(name) ? weight * STAY_FACTOR : weight }];
    })
    .toSorted((one, other) => other.weight - one.weight || (one.name < other.name ? -1 : 1));
  const chosen = new Set<string>();
  let tokens = 0;
  for (const { name } of candidates) {
    if (chosen.size >= config.maxTools) break;
    const cost = tokensOf(view.definition(name));
    // One that is too large leaves room for smaller ones.
    if (tokens + cost > config.maxTokens) continue;
    tokens += cost;
    chosen.add(name);
  }
  const staying = before.filter((name) => chosen.has(name));
  return [...staying, ...[...chosen].filter((name) => !listed.has(name))];
}

function surfacesOf(catalog: Catalog): (readonly [name: string, surface: Surface])[] {
  const servers = [...catalog.paths.values()].map((name) => [name, catalog.server(name)!] as const);
  return [[MAIN, catalog.main] as const, ...servers].filter(([, surface]) => surface.kind === 'hot');
}

function readDecisions(document: unknown): (readonly [name: string, decision: Decision])[] {
  return Object.entries(isObject(document) ? document : {}).flatMap(([name, found]) => {
    if (!isObject(found) || !Array.isArray(found['names']) || typeof found['decidedAtMs'] !== 'number') return [];
    return [[name, { names: found['names'].filter((each) => typeof each === 'string'), decidedAtMs: found['decidedAtMs'] }] as const];
  });
}
