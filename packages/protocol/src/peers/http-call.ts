import {
  GatewayError,
  toGatewayError,
  toMessage,
  type Answer,
  type Ask,
  type Cancellation,
  type Clock,
  type Notification,
  type RawJson,
  type ResultSink,
} from '@signalbox/core';
import { readInteger } from '../messages/integer.ts';
import { readMember } from '../messages/members.ts';
import { decodeFrame, type Message, type RequestMessage, type ResponseMessage } from '../messages/message.ts';
import type { DataTaker, ServerSentEvent } from '../messages/sse.ts';
import type { Exchange, ExchangeFailure, ExchangeSink } from '../transports/http1/exchange.ts';
import type { HttpClient } from '../transports/http1/http-client.ts';
import type { ResponseHeaders } from '../transports/http1/response-head.ts';
import type { Bag } from './bag.ts';
import type { Deadlines, Timed } from './deadlines.ts';
import { httpFailure } from './http-errors.ts';
import { isOfTheWhole } from './notifications.ts';
import type { OutgoingRequest } from './peer.ts';
import type { TaskProgress } from './task-progress.ts';
import { MIN_FLOW_BYTES, ResultFlow } from './result-flow.ts';
import { callCancelled, callDeadline, protocolFault, unavailable } from './upstream-errors.ts';

const MAX_RESUMES = 5;
const DEFAULT_RETRY_MS = 1_000;
// A server may keep the stream open after its answer; for this long the connection waits to be used again.
const LINGER_MS = 1_000;
const METHOD_NOT_FOUND = -32601;

export interface HttpCallOptions {
  readonly id: number;
  readonly request: OutgoingRequest;
  readonly body: Buffer;
  /** Headers of one attempt, read anew when the session has been renewed. */
  readonly headers: () => string[];
  readonly revision: string;
  /** Takes a large result while it arrives. */
  readonly sink?: ResultSink | undefined;
  /** Gets notifications of the call's stream that are not about the call itself. */
  readonly onNotification: (notification: Notification) => void;
}

/** What a call needs of the session it is made in. */
export interface CallSession {
  readonly upstream: string;
  readonly host: string;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** All calls that wait for an answer. */
  readonly calls: Bag<'callPlace', HttpCall>;
  readonly tasks: TaskProgress;
  readonly onAnomaly: (text: string) => void;
  readonly id: string | undefined;
  readonly generation: number;
  renew(lost: number): Promise<void>;
  /** Answers a request of the server, if it may ask anything. `ask` brings it to the client of the call it came with. */
  question(request: RequestMessage, ask: Ask | undefined, onEnd: () => void): Cancellation | undefined;
  /** The server takes a question back. Returns false when it is not open. */
  cancelQuestion(id: RawJson): boolean;
  tellCancelled(requestId: number, reason: string): void;
}

/** One request over HTTP, with the stream its answer may come on. */
export class HttpCall implements ExchangeSink, Timed {
  readonly #session: CallSession;
  readonly #options: HttpCallOptions;
  readonly answer: Promise<Answer>;
  deadlineMs: number;
  deadlinePlace = -1;
  callPlace = -1;
  /** The session the server opened with its answer. */
  openedSession: string | undefined;
  #resolve!: (answer: Answer) => void;
  #reject!: (error: Error) => void;
  #unwatch: (() => void) | undefined;
  #exchange: Exchange | undefined;
  #isSettled = false;
  #isStream = false;
  #hasRepeated = false;
  #generation = 0;
  #lastEventId: string | undefined;
  #retryMs = DEFAULT_RETRY_MS;
  #resumes = 0;
  #questions: Cancellation[] | undefined;
  #unanswered = 0;

  constructor(session: CallSession, options: HttpCallOptions) {
    this.#session = session;
    this.#options = options;
    const { request } = options;
    this.deadlineMs = session.deadlines.in(request.timeoutMs);
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (request.cancellation.reason !== undefined) {
      this.#isSettled = true;
      this.#reject(callCancelled(session.upstream, request.method, request.cancellation.reason));
      return;
    }
    session.deadlines.add(this);
    session.calls.add(this);
    this.#unwatch = request.cancellation.watch((reason) => this.abandon(reason));
    this.#send();
  }

  /** Gives the call up: its answer rejects at once, the stream is closed and a handshake server is told. */
  abandon(reason: string): void {
    const { request } = this.#options;
    this.#giveUp(callCancelled(this.#session.upstream, request.method, reason), reason);
  }

  expire(): void {
    if (this.#isSettled) return this.#exchange?.abort();
    const { request, sink } = this.#options;
    // The server has done its part.
    if (sink?.isBegun && sink.isFull) return this.abandon(`the client took more than ${request.timeoutMs} ms to read the answer`);
    this.#giveUp(
      callDeadline(this.#session.upstream, request.method, request.timeoutMs),
      `no answer in ${Math.round(request.timeoutMs)} ms`,
    );
  }

  onHead(_status: number, headers: ResponseHeaders): void {
    this.#isStream = false;
    const session = headers['mcp-session-id'];
    if (typeof session === 'string') this.openedSession = session;
  }

  takeBody(status: number, mediaType: string, length: number | undefined): DataTaker | undefined {
    if (status !== 200 || mediaType !== 'application/json' || (length ?? Infinity) < MIN_FLOW_BYTES) return undefined;
    return this.#openFlow(length, (body) => this.onBody(status, mediaType, body));
  }

  onBody(status: number, mediaType: string, body: Buffer): void {
    if (this.#isSettled) return;
    if (this.#resumes > 0)
      return this.#fail(unavailable(this.#session.upstream, `its stream broke off and cannot be resumed (HTTP ${status})`, { sent: true }));
    const message = mediaType === 'application/json' ? this.#decode(body) : undefined;
    const response = message?.kind === 'response' ? message : undefined;
    if (this.#isSessionLost(status, response)) return this.#repeat();
    if (response !== undefined && status !== 401 && status !== 403 && this.#isAnswer(response, status)) return this.#settle(response);
    if (status < 300 && mediaType === 'application/json') return this.#fail(this.#misfit(body));
    this.#fail(httpFailure(this.#session.upstream, this.#session.host, { status, mediaType, body }));
  }

  onEvent({ data, id, retryMs }: ServerSentEvent): void {
    this.#isStream = true;
    if (id !== undefined) this.#lastEventId = id;
    if (retryMs !== undefined) this.#retryMs = retryMs;
    if (data.length === 0 || this.#isSettled) return;
    const message = this.#decode(data);
    if (message === undefined) return this.#session.onAnomaly(`an event that is no message: ${data.toString('utf8', 0, 120)}`);
    this.#resumes = 0;
    switch (message.kind) {
      case 'response':
        return this.#isAnswer(message, 200)
          ? this.#settle(message)
          : this.#session.onAnomaly('an answer to another request on this stream');
      case 'request':
        return this.#asked(message);
      case 'notification':
        return this.#notified(message);
    }
  }

  // While the client thinks, the server's budget stands still.
  #asked(message: RequestMessage): void {
    const cancellation = this.#session.question(message, this.#options.request.ask, () => {
      this.#unanswered--;
      this.#extend();
    });
    if (cancellation === undefined) return;
    (this.#questions ??= []).push(cancellation);
    this.#unanswered++;
    this.deadlineMs = Infinity;
  }

  #extend(): void {
    if (!this.#isSettled && this.#unanswered === 0) this.deadlineMs = this.#session.deadlines.in(this.#options.request.timeoutMs);
  }

  takeData(): DataTaker | undefined {
    this.#isStream = true;
    return this.#openFlow(undefined, (data) => this.onEvent({ event: 'message', data, id: undefined, retryMs: undefined }));
  }

  onStreamEnd(): void {
    this.#broke('its stream ended without an answer', undefined);
  }

  onFailure({ reason, sent, cause }: ExchangeFailure): void {
    if (cause instanceof GatewayError && cause.code === 'UPSTREAM_PROTOCOL') return this.#fail(cause);
    if (sent || this.#resumes > 0) return this.#broke(reason, cause);
    this.#fail(unavailable(this.#session.upstream, reason, { sent: false, data: { host: this.#session.host }, cause }));
  }

  /** Ends the call because its connection ends. */
  close(): void {
    this.#exchange?.abort();
    this.#fail(unavailable(this.#session.upstream, 'closed by the gateway', { sent: this.#exchange?.isSent ?? false }));
  }

  #send(): void {
    this.#generation = this.#session.generation;
    this.#exchange = this.#session.client.send({ method: 'POST', headers: this.#options.headers(), body: this.#options.body }, this);
  }

  #decode(bytes: Buffer): Message | undefined {
    try {
      return decodeFrame(bytes);
    } catch (error) {
      this.#session.onAnomaly(toMessage(error));
      return undefined;
    }
  }

  #openFlow(length: number | undefined, onCollected: (message: Buffer) => void): DataTaker | undefined {
    const { id, revision, sink } = this.#options;
    if (sink === undefined || sink.isBegun || this.#isSettled) return undefined;
    const source = {
      resume: () => this.#exchange?.resume(),
      stop: () => this.abandon('the client went away while it was sent the answer'),
    };
    const flow = new ResultFlow({ id, upstream: this.#session.upstream, revision, sink, source, length });
    return {
      push: (bytes, start, end) => {
        if (this.#isSettled) return;
        flow.push(bytes, start, end);
        if (sink.isFull) this.#exchange?.pause();
      },
      end: () => {
        if (!this.#isSettled) this.#endFlow(flow, onCollected);
      },
    };
  }

  #endFlow(flow: ResultFlow, onCollected: (message: Buffer) => void): void {
    let answer: ReturnType<ResultFlow['finish']>;
    try {
      answer = flow.finish();
    } catch (error) {
      this.#exchange?.abort();
      return this.#fail(toGatewayError(error));
    }
    if (Buffer.isBuffer(answer)) return onCollected(answer);
    this.#finish();
    this.#lingerIfStream();
    this.#exchange?.resume();
    this.#resolve(answer);
  }

  // A refusal may come without an id when the server has not read so far as to know it.
  #isAnswer({ id, outcome }: ResponseMessage, status: number): boolean {
    if (id !== undefined) return readInteger(id) === this.#options.id;
    return outcome.kind === 'error' && status !== 404 && status !== 405;
  }

  // Servers are asked to answer 404; a good many answer 400 and say so in words.
  #isSessionLost(status: number, response: ResponseMessage | undefined): boolean {
    if (this.#session.id === undefined || this.#hasRepeated || this.#options.request.method === 'initialize') return false;
    const error = response?.outcome.kind === 'error' ? response.outcome.error : undefined;
    if (status === 404) return error?.code !== METHOD_NOT_FOUND;
    return status === 400 && error !== undefined && /session/i.test(error.message);
  }

  // The server refused the request before running it, so sending it once more is safe.
  #repeat(): void {
    this.#hasRepeated = true;
    this.#session.renew(this.#generation).then(
      () => this.#isSettled || this.#send(),
      (error: Error) => this.#fail(error),
    );
  }

  #notified(notification: Notification): void {
    const { emit, wantsProgress } = this.#options.request;
    switch (notification.method) {
      case 'notifications/progress':
        if (this.#session.tasks.deliver(notification)) return;
        this.#extend();
        if (wantsProgress) emit?.(notification);
        return;
      case 'notifications/cancelled': {
        const id = notification.params && readMember(notification.params, 'requestId');
        if (id !== undefined) this.#session.cancelQuestion(id);
        return;
      }
      case 'notifications/message':
        return emit?.(notification);
      default:
        // What servers send beyond the specification on the stream of a call is the caller's.
        return emit === undefined || isOfTheWhole(notification) ? this.#options.onNotification(notification) : emit(notification);
    }
  }

  #broke(reason: string, cause: Error | undefined): void {
    if (this.#isSettled) return this.#session.deadlines.delete(this);
    const isResumable = this.#lastEventId !== undefined && this.#session.id !== undefined && !this.#options.sink?.isBegun;
    if (!isResumable || this.#resumes >= MAX_RESUMES) {
      return this.#fail(
        unavailable(this.#session.upstream, reason, {
          sent: true,
          data: { host: this.#session.host },
          ...(cause === undefined ? {} : { cause }),
        }),
      );
    }
    this.#resumes++;
    this.#session.clock.after(this.#retryMs, () => this.#resume());
  }

  #resume(): void {
    if (this.#isSettled || this.#lastEventId === undefined) return;
    const headers = [...this.#options.headers(), 'last-event-id', this.#lastEventId];
    this.#exchange = this.#session.client.send({ method: 'GET', headers }, this);
  }

  // The deadline of a settled call goes on to bound how long its stream may stay open.
  #lingerIfStream(): void {
    if (this.#isStream) this.#session.deadlines.add(this);
    else this.#session.deadlines.delete(this);
  }

  #settle({ outcome }: ResponseMessage): void {
    this.#finish();
    this.#lingerIfStream();
    if (outcome.kind === 'error') return this.#resolve(outcome);
    this.#session.tasks.keep(this.#options.id, this.#options.request);
    const { result, resultType, isError, modernMembers, hasLooseContent } = outcome;
    this.#resolve({ kind: 'result', result, resultType, isError, modernMembers, hasLooseContent, revision: this.#options.revision });
  }

  #fail(error: Error): void {
    if (this.#isSettled) return;
    this.#finish();
    this.#session.deadlines.delete(this);
    this.#reject(error);
  }

  #giveUp(error: Error, reason: string): void {
    if (this.#isSettled) return;
    const { id, request } = this.#options;
    if (request.method !== 'initialize') this.#session.tellCancelled(id, reason);
    this.#exchange?.abort();
    this.#fail(error);
  }

  #finish(): void {
    this.#isSettled = true;
    this.deadlineMs = this.#session.deadlines.in(LINGER_MS);
    this.#session.calls.delete(this);
    this.#unwatch?.();
    if (this.#questions !== undefined) for (const question of this.#questions) question.cancel('The call it belongs to is over');
  }

  #misfit(body: Buffer): Error {
    return protocolFault(
      this.#session.upstream,
      `${this.#session.host} answered with something that is no answer to the request: ${JSON.stringify(body.toString('utf8', 0, 120))}`,
    );
  }
}
