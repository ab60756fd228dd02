import {
  Cancellation,
  GatewayError,
  LOCAL_PRINCIPAL,
  RawJson,
  isObject,
  type ClientProfile,
  type Clock,
  type Outcome,
  type Question,
} from '@signalbox/core';
import { readMember, withMember, withoutMember } from '../messages/members.ts';
import type { RequestMessage } from '../messages/message.ts';
import { MODERN_REVISION } from '../revisions/revisions.ts';
import { requireAskable } from './capabilities.ts';
import type { Reply } from './reply.ts';
import { refused, type RequestStates } from './request-states.ts';
import type { Serving } from './serving.ts';

export interface HeldCallsOptions {
  readonly states: RequestStates;
  /** Longest wait for a client, in milliseconds. */
  readonly inputMs: number;
  readonly clock: Clock;
}

/** Calls that may wait for their clients at once; each holds its place at its server. */
const GATHER_MS = 5;
const MAX_HELD = 10_000;

/** What a request brings that another one for the same call brings anew. */
type Turn = Omit<Serving, 'client'>;

/**
 * Calls of modern clients whose server asks while it works, as servers of the handshake revisions do. The client gets
 * `input_required` as the answer to its request, and the call waits until a retry brings the answers.
 */
export class HeldCalls {
  readonly options: HeldCallsOptions;
  readonly #held = new Map<string, HeldCall>();
  #count = 0;

  constructor(options: HeldCallsOptions) {
    this.options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  /** Makes a request one that can be held: what is returned stands in for `serving` as long as the call lasts. */
  begin(message: RequestMessage, serving: Serving): Serving {
    return new HeldCall(this, message, serving).serving;
  }

  /** Goes on with a held call. @throws GatewayError `INVALID_PARAMS` */
  resume(state: { readonly id: string; readonly round: number }, message: RequestMessage, turn: Turn): void {
    const held = this.#held.get(state.id);
    if (held === undefined) throw refused('the call it belongs to is over, or ran in another process; make the call anew');
    held.resume(state.round, message, turn);
  }

  /** @throws GatewayError `OVERLOADED` */
  add(call: HeldCall): string {
    if (this.#held.size >= MAX_HELD)
      throw new GatewayError('OVERLOADED', `Cannot hold more than ${MAX_HELD} calls that wait for their clients`);
    const id = (++this.#count).toString(36);
    this.#held.set(id, call);
    return id;
  }

  remove(id: string): void {
    this.#held.delete(id);
  }

  /** Ends all calls that wait. */
  close(reason: string): void {
    for (const call of this.#held.values()) call.end(reason);
  }
}

interface OpenQuestion {
  readonly key: string;
  readonly question: Question;
  settle(outcome: Outcome): void;
}

/** One call that its client answers questions for. It is the reply of the call, whichever request it answers at present. */
class HeldCall implements Reply {
  readonly #calls: HeldCalls;
  readonly #message: RequestMessage;
  readonly #client: ClientProfile;
  readonly #principal: string;
  readonly #cancellation = new Cancellation();
  readonly #open = new Map<string, OpenQuestion>();
  #turn: Turn | undefined;
  #token: RawJson | undefined;
  #unwatch: (() => void) | undefined;
  #id: string | undefined;
  #round = 0;
  #asked = 0;
  #isPlanned = false;
  /** The end of the call that came while no request waited for it. */
  #end: ((reply: Reply) => void) | undefined;
  #stopTimer: (() => void) | undefined;

  constructor(calls: HeldCalls, message: RequestMessage, { client, ...turn }: Serving) {
    this.#calls = calls;
    this.#message = message;
    this.#client = client;
    this.#principal = turn.principal ?? LOCAL_PRINCIPAL;
    this.#take(message, turn);
  }

  /** What the call is served with. */
  get serving(): Serving {
    const { mirrored, principal } = this.#turn!;
    return {
      client: this.#client,
      principal,
      mirrored,
      cancellation: this.#cancellation,
      reply: this,
      ask: (question) => this.#ask(question),
      progressToken: () => this.#token,
      done: () => this.#turn?.done?.(),
    };
  }

  get takesNotifications(): boolean {
    return this.#turn?.reply.takesNotifications ?? true;
  }

  notify(message: Buffer): boolean {
    return this.#turn?.reply.notify(message) ?? false;
  }

  answer(outcome: Outcome): void {
    this.#finish((reply) => reply.answer(outcome));
  }

  refuse(error: GatewayError): void {
    this.#finish((reply) => reply.refuse(error));
  }

  drop(): void {
    this.#finish((reply) => reply.drop());
  }

  /** Takes the answers a retry brings. What they leave open is asked once more. */
  resume(round: number, message: RequestMessage, turn: Turn): void {
    if (round !== this.#round || this.#turn !== undefined) throw refused('it has been used already');
    const answers = message.params.get('inputResponses');
    if (answers !== undefined && !isObject(answers.value))
      throw new GatewayError('INVALID_PARAMS', 'Cannot accept "inputResponses" that is not an object');
    this.#stopTimer?.();
    this.#take(message, turn);
    if (this.#end !== undefined) {
      turn.done?.();
      return this.#finish(this.#end);
    }
    for (const { key, settle } of this.#open.values()) {
      const answer = answers === undefined ? undefined : readMember(answers, key);
      if (answer !== undefined && answer.bytes[0] === 0x7b)
        settle({ kind: 'result', result: answer, resultType: 'complete', isError: false, revision: MODERN_REVISION });
    }
    if (this.#open.size > 0) this.#plan();
  }

  /** Gives the call up. */
  end(reason: string): void {
    this.#cancellation.cancel(reason);
    this.#finish((reply) => reply.drop());
  }

  #take(message: RequestMessage, turn: Turn): void {
    this.#turn = turn;
    const meta = message.params.get('_meta');
    this.#token = meta === undefined ? undefined : readMember(meta, 'progressToken');
    this.#unwatch = turn.cancellation.watch((reason) => {
      this.#forget();
      this.#cancellation.cancel(reason);
    });
  }

  #ask(question: Question): Promise<Outcome> {
    try {
      requireAskable(this.#client.capabilities, question.method, question.params?.value);
      this.#id ??= this.#calls.add(this);
    } catch (error) {
      return Promise.reject(error as GatewayError);
    }
    const key = `q${++this.#asked}`;
    return new Promise((resolve, reject) => {
      const unwatch = question.cancellation.watch((reason) => {
        if (this.#open.delete(key)) reject(new GatewayError('CANCELLED', `Cancelled "${question.method}": ${reason}`));
      });
      if (question.cancellation.isCancelled) return reject(new GatewayError('CANCELLED', `Cancelled "${question.method}"`));
      const settle = (outcome: Outcome) => {
        unwatch();
        if (this.#open.delete(key)) resolve(outcome);
      };
      this.#open.set(key, { key, question, settle });
      this.#plan();
    });
  }

  // Questions asked together go out together, also when a server writes each by itself: another round costs more than the wait.
  #plan(): void {
    if (this.#isPlanned || this.#turn === undefined) return;
    this.#isPlanned = true;
    this.#calls.options.clock.after(GATHER_MS, () => {
      this.#isPlanned = false;
      if (this.#turn !== undefined && this.#open.size > 0 && !this.#cancellation.isCancelled) this.#hold(this.#turn);
    });
  }

  #hold(turn: Turn): void {
    const { states, clock, inputMs } = this.#calls.options;
    this.#unwatch?.();
    this.#turn = undefined;
    this.#round++;
    const requests = [...this.#open.values()].map(({ key, question }) => `${JSON.stringify(key)}:${encodeQuestion(question)}`);
    const state = states.seal({ kind: 'held', id: this.#id!, round: this.#round }, this.#message, this.#principal);
    const text = `{"resultType":"input_required","inputRequests":{${requests.join(',')}},"requestState":${state.bytes.toString('utf8')}}`;
    this.#stopTimer = clock.after(inputMs, () => this.end(`The client gave no answer in ${inputMs} ms`));
    turn.done?.();
    turn.reply.answer({
      kind: 'result',
      result: RawJson.fromBytes(Buffer.from(text)),
      resultType: 'input_required',
      isError: false,
      revision: MODERN_REVISION,
    });
  }

  #finish(end: (reply: Reply) => void): void {
    const turn = this.#turn;
    if (turn === undefined && !this.#cancellation.isCancelled) {
      this.#end = end;
      return;
    }
    this.#stopTimer?.();
    this.#unwatch?.();
    this.#forget();
    if (turn !== undefined) end(turn.reply);
  }

  #forget(): void {
    if (this.#id !== undefined) this.#calls.remove(this.#id);
    this.#open.clear();
  }
}

// Progress of an answer has no way back to the server here, so it is not asked for.
function encodeQuestion({ method, params }: Question): string {
  const head = `{"method":${JSON.stringify(method)}`;
  const meta = params === undefined ? undefined : readMember(params, '_meta');
  const rest = meta === undefined ? undefined : withoutMember(meta, 'progressToken');
  const asked = meta === undefined ? params : rest === undefined ? withoutMember(params!, '_meta') : withMember(params, '_meta', rest);
  return asked === undefined ? `${head}}` : `${head},"params":${asked.bytes.toString('utf8')}}`;
}
