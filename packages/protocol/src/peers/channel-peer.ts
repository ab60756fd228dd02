import {
  OWN_PRINCIPAL,
  RawJson,
  toGatewayError,
  toMessage,
  type Answer,
  type Ask,
  type Clock,
  type ErrorData,
  type Notification,
  type ResultSink,
  type ResultSource,
} from '@signalbox/core';
import { encodeNotification } from '../messages/encode.ts';
import { guessId } from '../messages/answer-id.ts';
import { readInteger } from '../messages/integer.ts';
import { readMember } from '../messages/members.ts';
import { decodeFrame, type Message, type RequestMessage, type ResponseMessage } from '../messages/message.ts';
import { taskOfMessage } from '../tasks/task-ids.ts';
import type { Channel } from '../transports/channel.ts';
import { FleetingTable } from './bag.ts';
import { Deadlines, type Timed } from './deadlines.ts';
import { isOfTheWhole } from './notifications.ts';
import type { OutgoingRequest } from './peer.ts';
import { ResultFlow } from './result-flow.ts';
import { TaskProgress } from './task-progress.ts';
import { ServerQuestions } from './server-questions.ts';
import { callCancelled, callDeadline, unavailable } from './upstream-errors.ts';

export interface ChannelPeerOptions {
  readonly channel: Channel;
  readonly upstream: string;
  readonly clock: Clock;
  readonly onNotification: (notification: Notification) => void;
  /** Whether anything was declared that the server may ask. */
  readonly isAskable: boolean;
  /** Brings questions that belong to no call to the client. */
  readonly ask: Ask | undefined;
  /** What the server did that it must not; in words. */
  readonly onAnomaly: (text: string) => void;
  /** What else an error should tell when the channel is lost, such as the last lines of stderr. */
  readonly describeFailure: () => ErrorData;
}

export interface StartOptions {
  readonly encode: (id: number, request: OutgoingRequest) => Buffer;
  /** Takes a large result without a copy of it. */
  readonly sink?: ResultSink | undefined;
}

/** Where a result comes from that is all there. */
const WHOLE: ResultSource = { resume: () => undefined, stop: () => undefined };

/** The client's end of a channel: gives each request an id of its own and brings back what belongs to it. */
export class ChannelPeer {
  readonly #options: ChannelPeerOptions;
  readonly #inFlight = new FleetingTable<number, PendingRequest>();
  readonly #deadlines: Deadlines;
  readonly #questions: ServerQuestions;
  readonly #tasks = new TaskProgress();
  readonly closed: Promise<string>;
  /** The revision results are marked with. */
  revision = '';
  #nextId = 1;
  #sent = 0;
  #closedWith: string | undefined;

  constructor(options: ChannelPeerOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    const { channel } = options;
    this.#questions = new ServerQuestions((message) => this.#send(message));
    this.closed = new Promise((resolve) => {
      channel.onClose = (reason, undelivered = 0) => {
        this.#end(reason, undelivered);
        resolve(reason);
      };
    });
    channel.onMessage = (bytes) => this.#receive(bytes);
    channel.onLargeMessage = (bytes) => this.#pour(bytes);
  }

  /** Sends a request. Its `answer` rejects as `Connection.request` does. */
  start(request: OutgoingRequest, { encode, sink }: StartOptions): PendingRequest {
    const id = this.#nextId++;
    const pending = new PendingRequest(this, { id, request, sink, deadlines: this.#deadlines });
    const { cancellation } = request;
    if (this.#closedWith !== undefined) {
      pending.reject(unavailable(this.#options.upstream, this.#closedWith, { sent: false, data: this.#options.describeFailure() }));
    } else if (cancellation.reason !== undefined) {
      pending.reject(callCancelled(this.#options.upstream, request.method, cancellation.reason));
    } else {
      const frame = encode(id, request);
      this.#inFlight.set(id, pending);
      this.#deadlines.add(pending);
      pending.unwatch = cancellation.watch((reason) => this.abandon(pending, reason));
      pending.order = this.#send(frame);
    }
    return pending;
  }

  /** Sends a message that has no answer. */
  tell(frame: Buffer): void {
    this.#send(frame);
  }

  /** Gives a request up: its answer rejects at once, and the server is told. */
  abandon(pending: PendingRequest, reason: string): void {
    if (!this.#take(pending)) return;
    this.#tellCancelled(pending.id, reason);
    pending.reject(callCancelled(this.#options.upstream, pending.request.method, reason));
  }

  /** The budget of a request is spent. */
  expire(pending: PendingRequest): void {
    if (!this.#take(pending)) return;
    const { method, timeoutMs } = pending.request;
    this.#tellCancelled(pending.id, `no answer in ${Math.round(timeoutMs)} ms`);
    pending.reject(callDeadline(this.#options.upstream, method, timeoutMs));
  }

  close(): Promise<void> {
    return this.#options.channel.close();
  }

  #take(pending: PendingRequest): boolean {
    if (!this.#inFlight.delete(pending.id)) return false;
    pending.endQuestions();
    this.#deadlines.delete(pending);
    pending.unwatch?.();
    return true;
  }

  #tellCancelled(requestId: number, reason: string): void {
    this.#send(encodeNotification('notifications/cancelled', RawJson.fromValue({ requestId, reason })));
  }

  // The frame is checked by decoding it, but what is looked up inside may still turn out to be no JSON.
  #receive(bytes: Buffer): void {
    try {
      this.#dispatch(decodeFrame(bytes));
    } catch (error) {
      this.#options.onAnomaly(toMessage(error));
    }
  }

  // What waits for a slow client here holds up nobody: other calls are answered over the same channel.
  #pour(bytes: Buffer): boolean {
    const id = guessId(bytes);
    const pending = id === undefined ? undefined : this.#inFlight.get(id);
    const sink = pending?.sink;
    if (pending === undefined || sink === undefined || sink.isBegun) return false;
    const { upstream } = this.#options;
    const flow = new ResultFlow({ id: pending.id, upstream, revision: this.revision, sink, source: WHOLE, length: bytes.length });
    try {
      flow.push(bytes, 0, bytes.length);
      const answer = flow.finish();
      if (Buffer.isBuffer(answer)) return false;
      this.#take(pending);
      pending.resolve(answer);
    } catch (error) {
      this.#take(pending);
      pending.reject(toGatewayError(error));
    }
    return true;
  }

  #dispatch(message: Message): void {
    switch (message.kind) {
      case 'response':
        return this.#settle(message);
      case 'notification':
        return this.#notified(message);
      case 'request':
        return this.#asked(message);
    }
  }

  #settle(message: ResponseMessage): void {
    const id = readInteger(message.id);
    const pending = id === undefined ? undefined : this.#inFlight.get(id);
    if (pending === undefined) return this.#options.onAnomaly(describeStray(message, id !== undefined && id < this.#nextId));
    this.#take(pending);
    const { outcome } = message;
    if (outcome.kind === 'error') return pending.resolve(outcome);
    this.#tasks.keep(pending.id, pending.request);
    const { result, resultType, isError, modernMembers, hasLooseContent } = outcome;
    pending.resolve({ kind: 'result', result, resultType, isError, modernMembers, hasLooseContent, revision: this.revision });
  }

  #notified(notification: Notification): void {
    switch (notification.method) {
      case 'notifications/progress':
        return this.#progressed(notification);
      case 'notifications/message':
        return this.#deliver(notification);
      case 'notifications/cancelled':
        return this.#cancelledByServer(notification);
      default:
        return isOfTheWhole(notification) ? this.#options.onNotification(notification) : this.#passBeyond(notification);
    }
  }

  #progressed(notification: Notification): void {
    const token = readIntegerMember(notification, 'progressToken');
    const pending = token === undefined ? undefined : this.#inFlight.get(token);
    if (pending === undefined) {
      if (!this.#tasks.deliver(notification)) this.#options.onAnomaly('progress for no request in flight');
      return;
    }
    pending.extend();
    if (pending.request.wantsProgress) pending.request.emit?.(notification);
  }

  // What goes beyond the specification is told like a log message, unless it has the token that a call asked for progress by.
  #passBeyond(notification: Notification): void {
    const token = readIntegerMember(notification, 'progressToken');
    if (token === undefined) return this.#deliver(notification);
    const request = this.#inFlight.get(token)?.request;
    if (request?.wantsProgress === true) request.emit?.(notification);
  }

  // A channel does not say which request a message belongs to, unless it names a task. Where all that are open, but for our
  // own, are one caller's, it is theirs; otherwise nobody gets to see what may be about somebody else.
  #deliver(notification: Notification): void {
    const open = this.#inFlight.list().filter(({ request }) => request.principal !== OWN_PRINCIPAL);
    const newest = open.findLast(({ request }) => request.emit !== undefined);
    if (newest === undefined || taskOfMessage(notification) !== undefined) return this.#options.onNotification(notification);
    const { session } = newest.request;
    if (open.length === 1 || (session !== undefined && open.every(({ request }) => request.session === session)))
      newest.request.emit?.(notification);
  }

  // Servers take back requests of theirs, and modern ones end a listen request this way.
  #cancelledByServer(notification: Notification): void {
    const own = notification.params && readMember(notification.params, 'requestId');
    if (own !== undefined && this.#questions.cancel(own)) return;
    const id = readInteger(own);
    const pending = id === undefined ? undefined : this.#inFlight.get(id);
    if (pending === undefined || pending.request.method !== 'subscriptions/listen') return;
    this.#take(pending);
    pending.reject(callCancelled(this.#options.upstream, pending.request.method, 'the server ended it'));
  }

  // The channel does not say which call a question belongs to. All calls on a connection that may be asked are one client's,
  // or there is one at a time, so the newest is as good as any to ask on. But any of them may wait for the answer: the budgets
  // of all stand still, and nobody waits any more when the last of them is over.
  #asked(message: RequestMessage): void {
    const askers = this.#options.isAskable ? this.#inFlight.list().filter(({ request }) => request.ask !== undefined) : [];
    const cancellation = this.#questions.take(message, askers.at(-1)?.request.ask ?? this.#options.ask, () => {
      for (const asker of askers) asker.answered();
    });
    if (cancellation === undefined) return;
    let waiting = askers.length;
    const leave = () => {
      if (--waiting === 0) cancellation.cancel('The call it belongs to is over');
    };
    for (const asker of askers) asker.asked(leave);
  }

  #send(frame: Buffer): number {
    this.#options.channel.send(frame);
    return ++this.#sent;
  }

  #end(reason: string, undelivered: number): void {
    this.#closedWith = reason;
    this.#questions.close(reason);
    const delivered = this.#sent - undelivered;
    for (const pending of this.#inFlight.list()) {
      this.#take(pending);
      const sent = pending.order <= delivered;
      pending.reject(unavailable(this.#options.upstream, reason, { sent, data: this.#options.describeFailure() }));
    }
  }
}

/** A request in flight. */
export class PendingRequest implements Timed {
  readonly #peer: ChannelPeer;
  readonly id: number;
  readonly request: OutgoingRequest;
  readonly sink: ResultSink | undefined;
  readonly answer: Promise<Answer>;
  deadlineMs: number;
  deadlinePlace = -1;
  /** Which of all messages sent it was, from 1. */
  order = 0;
  unwatch: (() => void) | undefined;
  resolve!: (answer: Answer) => void;
  reject!: (error: Error) => void;
  readonly #deadlines: Deadlines;
  #leaves: (() => void)[] | undefined;
  #unanswered = 0;

  constructor(
    peer: ChannelPeer,
    {
      id,
      request,
      sink,
      deadlines,
    }: { readonly id: number; readonly request: OutgoingRequest; readonly sink: ResultSink | undefined; readonly deadlines: Deadlines },
  ) {
    this.#peer = peer;
    this.id = id;
    this.request = request;
    this.sink = sink;
    this.#deadlines = deadlines;
    this.deadlineMs = deadlines.in(request.timeoutMs);
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  expire(): void {
    this.#peer.expire(this);
  }

  /** Its budget begins anew, unless it stands still. */
  extend(): void {
    if (this.#unanswered === 0) this.deadlineMs = this.#deadlines.in(this.request.timeoutMs);
  }

  /** The server asks; while its client thinks, the server's budget stands still. @param leave Called when this request is over. */
  asked(leave: () => void): void {
    (this.#leaves ??= []).push(leave);
    this.#unanswered++;
    this.deadlineMs = Infinity;
  }

  answered(): void {
    this.#unanswered--;
    this.extend();
  }

  endQuestions(): void {
    if (this.#leaves !== undefined) for (const leave of this.#leaves) leave();
  }
}

function readIntegerMember({ params }: Notification, name: string): number | undefined {
  return params === undefined ? undefined : readInteger(readMember(params, name));
}

function describeStray(message: ResponseMessage, wasOurs: boolean): string {
  if (message.id === undefined) {
    return message.outcome.kind === 'error' ? `a refusal without an id: ${message.outcome.error.message}` : 'an answer without an id';
  }
  const id = message.id.bytes.toString('utf8', 0, 60);
  return wasOurs ? `an answer to request ${id}, which is settled already` : `an answer to request ${id}, which was never made`;
}
