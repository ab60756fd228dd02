import { GatewayError, RawJson, isObject, type Clock, type Notification, type Outcome, type Question } from '@signalbox/core';
import { encodeNotification } from '../messages/encode.ts';
import { readInteger } from '../messages/integer.ts';
import { readMember, withMember } from '../messages/members.ts';
import type { ResponseMessage } from '../messages/message.ts';

/** Questions one client may have before it at once. */
const MAX_OPEN = 64;

export interface QuestionsOptions {
  readonly clock: Clock;
  /** Longest wait for an answer, in milliseconds. */
  readonly inputMs: number;
  readonly revision: string;
}

interface Open {
  readonly question: Question;
  /** The progress token of the server's own request, if it wants to hear of progress. */
  readonly token: RawJson | undefined;
  settle(outcome: Outcome): void;
}

/** Requests to one client of a handshake revision that have no answer yet. Each has an id of ours. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #open = new Map<number, Open>();
  #nextId = 1;

  constructor(options: QuestionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#open.size;
  }

  /**
   * Sends a question and waits for the client's answer.
   * @param send Takes the encoded messages: the request, and later its cancellation.
   * @throws GatewayError `DEADLINE_EXCEEDED`, `CANCELLED`, `OVERLOADED`
   */
  ask(question: Question, send: (message: Buffer) => void): Promise<Outcome> {
    const { clock, inputMs } = this.#options;
    if (question.cancellation.reason !== undefined) return Promise.reject(takenBack(question, question.cancellation.reason));
    if (this.#open.size >= MAX_OPEN)
      return Promise.reject(new GatewayError('OVERLOADED', `Cannot ask a client more than ${MAX_OPEN} questions at once`));
    const id = this.#nextId++;
    const token = tokenOf(question.params);
    return new Promise((resolve, reject) => {
      const end = (): boolean => {
        if (!this.#open.delete(id)) return false;
        unwatch();
        stopTimer();
        return true;
      };
      const giveUp = (error: GatewayError, reason: string) => {
        if (!end()) return;
        send(encodeNotification('notifications/cancelled', RawJson.fromValue({ requestId: id, reason })));
        reject(error);
      };
      this.#open.set(id, { question, token, settle: (outcome) => end() && resolve(outcome) });
      const stopTimer = clock.after(inputMs, () => giveUp(tooLate(question, inputMs), `no answer in ${inputMs} ms`));
      const unwatch = question.cancellation.watch((reason) => giveUp(takenBack(question, reason), reason));
      send(encodeQuestion(id, question, token));
    });
  }

  /** Takes the client's answer. Returns false when it answers nothing that is open. */
  answer(message: ResponseMessage): boolean {
    const id = readInteger(message.id);
    const open = id === undefined ? undefined : this.#open.get(id);
    if (open === undefined) return false;
    const { outcome } = message;
    open.settle(outcome.kind === 'error' ? outcome : { ...outcome, revision: this.#options.revision });
    return true;
  }

  /** Takes progress the client reports on a question. Returns false when it belongs to none. */
  progress({ method, params }: Notification): boolean {
    const id = params === undefined ? undefined : readInteger(readMember(params, 'progressToken'));
    const open = id === undefined ? undefined : this.#open.get(id);
    if (open === undefined) return false;
    if (open.token !== undefined) open.question.emit?.({ method, params: withMember(params, 'progressToken', open.token) });
    return true;
  }
}

function encodeQuestion(id: number, { method, params }: Question, token: RawJson | undefined): Buffer {
  const head = `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)}`;
  if (params === undefined) return Buffer.from(`${head}}`);
  const meta = token === undefined ? undefined : readMember(params, '_meta');
  const own = meta === undefined ? params : withMember(params, '_meta', withMember(meta, 'progressToken', RawJson.fromValue(id)));
  return Buffer.concat([Buffer.from(`${head},"params":`), own.bytes, Buffer.from('}')]);
}

function tokenOf(params: RawJson | undefined): RawJson | undefined {
  const meta = params?.object?.['_meta'];
  return isObject(meta) && meta['progressToken'] !== undefined ? readMember(readMember(params!, '_meta')!, 'progressToken') : undefined;
}

function tooLate({ method }: Question, inputMs: number): GatewayError {
  return new GatewayError('DEADLINE_EXCEEDED', `Cannot complete "${method}": the client gave no answer in ${inputMs} ms`, {
    data: { phase: 'input', method, budgetMs: inputMs },
  });
}

function takenBack({ method }: Question, reason: string): GatewayError {
  return new GatewayError('CANCELLED', `Cancelled "${method}": ${reason}`, { data: { method } });
}
