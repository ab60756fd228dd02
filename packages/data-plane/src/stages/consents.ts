import type { Restraint } from '@signalbox/core';
import type { TargetedCall } from './call-stages.ts';

/** What is known of the person's word on a restraint. */
export type KnownConsent = 'given' | 'refused' | 'asking' | 'unaskable';

/** Conversations of one restraint whose persons are remembered. */
const MAX_EACH = 1_000;

/** What people have said, conversation by conversation, as long as the restraint lasts that they were asked about. */
export class Consents {
  readonly #known = new WeakMap<Restraint, Map<string, KnownConsent>>();

  of(restraint: Restraint, call: TargetedCall): KnownConsent | undefined {
    return this.#known.get(restraint)?.get(conversationOf(call));
  }

  /** @param consent Absent to forget what was there. */
  set(restraints: readonly Restraint[], call: TargetedCall, consent?: KnownConsent): void {
    const conversation = conversationOf(call);
    for (const restraint of restraints) {
      let own = this.#known.get(restraint);
      if (own === undefined) this.#known.set(restraint, (own = new Map()));
      own.delete(conversation);
      if (consent !== undefined) own.set(conversation, consent);
      if (own.size > MAX_EACH) own.delete(own.keys().next().value!);
    }
  }
}

function conversationOf({ session, principal, client }: TargetedCall): string {
  return session?.id ?? `${principal}\n${client.info?.name ?? ''}`;
}
