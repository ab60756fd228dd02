import { createHash, randomBytes } from 'node:crypto';
import { GatewayError, RawJson, isObject, type Clock, type Seal } from '@signalbox/core';
import { canonicalText } from '../messages/canonical-text.ts';
import type { RequestMessage } from '../messages/message.ts';
import { withHome, withoutHome } from '../transports/homes.ts';

/** What a state we gave out stands for. */
export type RequestState =
  /** A call of ours that waits for its client; `round` counts how often it has asked. */
  | { readonly kind: 'held'; readonly id: string; readonly round: number }
  /** A modern server's own state, which it gets back untouched. */
  | { readonly kind: 'upstream'; readonly state: string }
  /** The call was refused until something had been done, and is made anew. */
  | { readonly kind: 'again' };

export interface RequestStatesOptions {
  readonly seal: Seal;
  /** How long a state is good, in milliseconds. */
  readonly inputMs: number;
  readonly clock: Clock;
  /** The process they come back to, if there are several. */
  readonly home?: string | undefined;
}

const PURPOSE = 'request-state';
const MAX_USED = 100_000;

/**
 * The states that modern clients hold for us between the rounds of a call. Each is sealed, for one principal and one
 * request, until it expires, and is good for one retry.
 */
export class RequestStates {
  readonly #options: RequestStatesOptions;
  // Nonces of states that have come back, oldest first; kept until the states would have expired anyway.
  readonly #used = new Map<string, number>();

  constructor(options: RequestStatesOptions) {
    this.#options = options;
  }

  /** Seals a state for the client that made `request`. */
  seal(state: RequestState, request: RequestMessage, principal: string): RawJson {
    const { seal, clock, inputMs, home } = this.#options;
    const value = { ...state, nonce: randomBytes(9).toString('base64url'), expiresAtMs: clock.now() + inputMs };
    return RawJson.fromValue(withHome(home, seal.seal(PURPOSE, value, { context: bindingOf(request, principal) })));
  }

  /** Opens the state that a retry brings. @throws GatewayError `INVALID_PARAMS` */
  open(request: RequestMessage, principal: string): RequestState {
    const text: unknown = request.params.get('requestState')?.value;
    const context = bindingOf(request, principal);
    const value = typeof text === 'string' ? this.#options.seal.open(PURPOSE, withoutHome(text), { context }) : undefined;
    if (!isObject(value)) throw refused('it is not one of ours, or was given for another request');
    const { nonce, expiresAtMs, ...state } = value;
    if (Number(expiresAtMs) < this.#options.clock.now()) throw refused('it has expired; make the call anew');
    this.#use(String(nonce), Number(expiresAtMs));
    return state as unknown as RequestState;
  }

  #use(nonce: string, expiresAtMs: number): void {
    if (this.#used.has(nonce)) throw refused('it has been used already');
    const now = this.#options.clock.now();
    for (const [old, until] of this.#used) {
      if (until >= now && this.#used.size < MAX_USED) break;
      this.#used.delete(old);
    }
    this.#used.set(nonce, expiresAtMs);
  }
}

/** A state that cannot be taken. */
export function refused(why: string): GatewayError {
  return new GatewayError('INVALID_PARAMS', `Cannot accept this "requestState": ${why}`);
}

const BETWEEN_ROUNDS = new Set(['_meta', 'requestState', 'inputResponses']);

// A retry repeats the request it belongs to, perhaps in another spelling. Large numbers JavaScript takes for equal are not.
function bindingOf({ method, params }: RequestMessage, principal: string): string {
  const digest = createHash('sha256').update(method);
  for (const name of [...params.keys()].toSorted()) {
    if (!BETWEEN_ROUNDS.has(name)) digest.update(`\n${name} ${canonicalText(params.get(name)!.bytes)}`);
  }
  return `${principal}\n${digest.digest('base64url')}`;
}
