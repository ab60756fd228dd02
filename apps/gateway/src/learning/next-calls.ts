import type { NextCalls } from '@signalbox/core';
import type { CallInteraction, ToldNext } from '@signalbox/learning';

/** What sessions are likely to call next, by their keyed hashes, as long as it is about the last call of each. */
export interface NextCallsBook {
  /** Hears of a call: whatever was likely before it is over. */
  see(call: Pick<CallInteraction, 'session' | 'sequence'>): void;
  /** Hears of a call that nothing will be told of. */
  pass(session: string): void;
  /** Takes what was told, as far as nothing was called since. */
  take(told: readonly ToldNext[]): void;
  of(session: string): NextCalls | undefined;
  clear(): void;
}

/** Sessions that are remembered; of more than these, those that called last are. */
const MAX_SESSIONS = 1_000;

export function createNextCalls(): NextCallsBook {
  const sessions = new Map<string, { readonly sequence: number; next: NextCalls | undefined }>();
  return {
    see: ({ session, sequence }) => {
      sessions.delete(session);
      sessions.set(session, { sequence, next: undefined });
      if (sessions.size > MAX_SESSIONS) sessions.delete(sessions.keys().next().value!);
    },
    pass: (session) => void sessions.delete(session),
    take: (told) => {
      for (const { session, sequence, ...next } of told) {
        const known = sessions.get(session);
        if (known?.sequence === sequence) known.next = next;
      }
    },
    of: (session) => sessions.get(session)?.next,
    clear: () => sessions.clear(),
  };
}
