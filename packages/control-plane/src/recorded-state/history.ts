import { diffConfig } from '../desired-state/diff-config.ts';
import { readState } from './read-state.ts';
import type { History } from './recorded-state.ts';
import { NO_STATE, type StateDocument, type StateEvent } from './state-event.ts';
import type { StateLog } from './state-log.ts';

const PAGE = 200;

/** Reads what was wanted at earlier versions. */
export function createHistory(log: StateLog, path: string): History {
  const configOf = async ({ file, entries }: StateDocument) => readState(await log.text(file), path, entries).config;
  const at = async (version: number) => configOf(version === 0 ? NO_STATE : await log.at(version));
  return {
    list: async ({ limit, before, by, action }) => {
      const found: StateEvent[] = [];
      let next = before;
      // One more than asked for tells whether there is more.
      while (found.length <= limit) {
        const page = await log.page({ before: next, limit: PAGE });
        found.push(...page.filter((event) => (by === undefined || event.by === by) && (action === undefined || event.action === action)));
        if (page.length < PAGE) break;
        next = page.at(-1)!.version;
      }
      const events = found.slice(0, limit);
      return { events, next: found.length > limit ? events.at(-1)!.version : undefined };
    },
    get: async (version) => {
      const event = await log.event(version);
      const config = await at(version);
      return { event, config, diff: diffConfig(await at(version - 1), config) };
    },
    diff: async (from, to) => diffConfig(await at(from), await at(to)),
  };
}
