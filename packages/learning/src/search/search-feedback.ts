import type { SearchInteraction } from '../interaction.ts';

/** What came of one search: the event that the search model learns from. */
export interface SearchFeedback {
  /** Tenants learn apart. */
  readonly tenant: string;
  /** Keyed hash of who searched; empty for a caller without a name. */
  readonly principal: string;
  /** Keyed hash of the conversation. */
  readonly session: string;
  /** As `readNeed` gives it. */
  readonly need: readonly number[];
  /** What was shown, best first. */
  readonly shown: readonly ShownKey[];
  /** Key of the tool that was called or praised; `undefined` when nothing that was shown was called. */
  readonly chosen: string | undefined;
  /** Whether the chosen tool served: `repeated` means that the same was searched for again. */
  /** The search itself, where there was one. */
  readonly search?: SearchInteraction;
  readonly outcome: 'succeeded' | 'repaired' | 'abandoned' | 'repeated';
}

export interface ShownKey {
  /** Names a tool among all tools, for example its upstream and its name. */
  readonly key: string;
  /** Place in the static ranking, from 1; 0 where the static ranking did not hold it. */
  readonly staticRank: number;
}
