import { GatewayError, toMessage } from '@signalbox/core';
import { diffConfig } from '../desired-state/diff-config.ts';
import { readState } from './read-state.ts';
import type { History } from './recorded-state.ts';
import { foldState, NO_STATE, type StateDocument, type StateEvent } from './state-event.ts';
import type { StateLog } from './state-log.ts';

const PAGE = 200;

/** Reads what was wanted at earlier versions. */
export function createHistory(log: StateLog, path: string): History {
  const at = async (version: number) => (version === 0 ? NO_STATE : log.at(version));
  const configOf = async ({ version, file, entries }: StateDocument) => {
    const text = await log.text(file);
    try {
      return readState(text, path, entries).config;
    } catch (cause) {
      const message = `Cannot show version ${version}: what it says is no configuration any more: ${toMessage(cause)}`;
      throw new GatewayError('CONFLICT', message, { cause });
    }
  };
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
      const before = await at(version - 1);
      const config = await configOf(foldState(before, event));
      return { event, config, diff: diffConfig(await configOf(before), config) };
    },
    diff: async (from, to) => diffConfig(await configOf(await log.at(from)), await configOf(await log.at(to))),
  };
}
