import { isObject, type ClientProfile, type Clock, type Seal } from '@signalbox/core';
import { readImplementation } from '../peers/server-session.ts';
import { HANDSHAKE_REVISIONS } from '../revisions/revisions.ts';
import { withHome, withoutHome } from './homes.ts';

const PURPOSE = 'session';
/** Longest profile that goes into an id, as JSON text; ids travel in a header with every request. */
const MAX_PROFILE_LENGTH = 3_000;
const MAX_ENDED = 100_000;
// The end of a sealed text is its tag, which tells one from any other.
const TAG_LENGTH = 22;

export interface SessionTokensOptions {
  readonly seal: Seal;
  /** What the sessions belong to: their ids are of no use at another address or for another principal. */
  readonly place: string;
  /** The process they live in, if there are several. */
  readonly home?: string | undefined;
  readonly clock: Clock;
  /** How long an id is good after it was given, in milliseconds. */
  readonly maxAgeMs: number;
}

/**
 * Ids of handshake sessions. Each holds, sealed, what its client said of itself, so that a session which is not kept here
 * any more, or was opened before a restart or by another gateway with the same key, can be taken up again.
 */
export class SessionTokens {
  readonly #options: SessionTokensOptions;
  // Oldest first.
  readonly #ended = new Map<string, number>();

  constructor(options: SessionTokensOptions) {
    this.#options = options;
  }

  /** Makes the id of a new session. */
  mint({ revision, info, capabilities }: ClientProfile): string {
    const { seal, place, home, clock } = this.#options;
    const whole = { revision, info, capabilities, at: clock.now() };
    const brief = {
      ...whole,
      info: info && { name: info.name.slice(0, 200), version: info.version.slice(0, 50) },
      capabilities: outline(capabilities),
    };
    const profile = JSON.stringify(whole).length > MAX_PROFILE_LENGTH ? brief : whole;
    return withHome(home, seal.seal(PURPOSE, profile, { context: place }));
  }

  /** The client that was given this id, unless the session was ended or is too old. */
  open(id: string): ClientProfile | undefined {
    const { seal, place, clock, maxAgeMs } = this.#options;
    if (this.#ended.has(id.slice(-TAG_LENGTH))) return undefined;
    const value = seal.open(PURPOSE, withoutHome(id), { context: place });
    if (!isObject(value) || clock.now() - Number(value['at']) > maxAgeMs) return undefined;
    const revision = HANDSHAKE_REVISIONS.find((known) => known === value['revision']);
    if (revision === undefined) return undefined;
    const { capabilities } = value;
    return {
      revision,
      info: readImplementation(value['info']),
      capabilities: isObject(capabilities) ? capabilities : {},
      logLevel: 'debug',
    };
  }

  /** From now on the id is no good here. */
  end(id: string): void {
    const now = this.#options.clock.now();
    for (const [old, until] of this.#ended) {
      if (until > now && this.#ended.size < MAX_ENDED) break;
      this.#ended.delete(old);
    }
    this.#ended.set(id.slice(-TAG_LENGTH), now + this.#options.maxAgeMs);
  }
}

// Names alone say what a client can be asked; whatever is inside is too much for an id.
function outline(capabilities: ClientProfile['capabilities']): ClientProfile['capabilities'] {
  const { elicitation } = capabilities;
  const modes = isObject(elicitation)
    ? Object.fromEntries(['form', 'url'].filter((mode) => elicitation[mode] !== undefined).map((mode) => [mode, {}]))
    : {};
  const names = ['sampling', 'roots'].filter((name) => capabilities[name] !== undefined);
  return { ...Object.fromEntries(names.map((name) => [name, {}])), ...(elicitation === undefined ? {} : { elicitation: modes }) };
}
