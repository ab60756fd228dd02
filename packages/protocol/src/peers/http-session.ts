import {
  RawJson,
  toOutcome,
  type Ask,
  type Cancellation,
  type ClientProfile,
  type Clock,
  type Notification,
  type ResultSink,
} from '@signalbox/core';
import { encodeNotification } from '../messages/encode.ts';
import type { RequestMessage } from '../messages/message.ts';
import { MODERN_REVISION, isHandshake } from '../revisions/revisions.ts';
import type { HttpClient } from '../transports/http1/http-client.ts';
import { Bag } from './bag.ts';
import { Deadlines } from './deadlines.ts';
import { HttpCall, type CallSession } from './http-call.ts';
import { MirroredHeaders } from './mirrored-headers.ts';
import { initializeParams, readInitialize, type Opened, type Refused } from './opening.ts';
import { NO_PARAMS, createModernEncoder, encodeHandshakeRequest, encodeModernNotification, ownRequest } from './outgoing.ts';
import type { ConnectOptions, OutgoingRequest } from './peer.ts';
import { ServerQuestions } from './server-questions.ts';
import { TaskProgress } from './task-progress.ts';
import { protocolFault } from './upstream-errors.ts';

export interface HttpSessionOptions {
  readonly client: HttpClient;
  readonly connect: ConnectOptions;
  readonly url: URL;
  /** Headers the configuration asks for. */
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly onAnomaly: (text: string) => void;
}

export interface StartOptions {
  /** Gets notifications on the request's stream that are not about it. Default: as those that belong to no request. */
  readonly onNotification?: (notification: Notification) => void;
  /** Takes a large result while it arrives. */
  readonly sink?: ResultSink | undefined;
}

// Ours by the protocol, whatever the configuration says.
const OWN_HEADERS = /^(accept|content-type|content-length|host|connection|mcp-.*|last-event-id)$/i;

/**
 * What all requests to one HTTP server share: ids, headers, and with handshake servers the session, which is opened anew
 * when the server has forgotten it.
 */
export class HttpSession implements CallSession {
  readonly upstream: string;
  readonly host: string;
  readonly client: HttpClient;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly calls = new Bag<'callPlace', HttpCall>('callPlace');
  readonly tasks = new TaskProgress();
  readonly mirrored = new MirroredHeaders();
  readonly onAnomaly: (text: string) => void;
  /** Called when the server has given us a new session in place of a lost one. */
  onRenewed: () => void = () => undefined;
  /** The session's id, if the server has sessions. */
  id: string | undefined;
  /** Counts the sessions there have been. */
  generation = 0;
  readonly #connect: ConnectOptions;
  readonly #base: readonly string[];
  readonly #modernBase: readonly string[];
  readonly #encodeModern: (id: number, request: OutgoingRequest) => Buffer;
  readonly #questions = new ServerQuestions((message) => void this.post(message));
  #revision: string = MODERN_REVISION;
  #sessionHeaders: string[] = [];
  #nextId = 1;
  #renewing: Promise<void> | undefined;
  #initialized: { readonly opened: Opened; readonly id: string | undefined } | undefined;

  constructor({ client, connect, url, headers, clock, onAnomaly }: HttpSessionOptions) {
    this.upstream = connect.upstream;
    this.host = url.host;
    this.client = client;
    this.clock = clock;
    this.deadlines = new Deadlines(clock);
    this.onAnomaly = onAnomaly;
    this.#connect = connect;
    const configured = Object.entries(headers).filter(([name]) => !OWN_HEADERS.test(name));
    this.#base = ['accept', 'application/json, text/event-stream', 'content-type', 'application/json', ...configured.flat()];
    this.#modernBase = [...this.#base, 'mcp-protocol-version', MODERN_REVISION];
    this.#encodeModern = createModernEncoder(connect.client);
  }

  /** Sends a request in the way the conversation goes. */
  start(request: OutgoingRequest, options: StartOptions = {}): HttpCall {
    return isHandshake(this.#revision)
      ? this.#startHandshake(request, () => this.#sessionHeaders, options)
      : this.startModern(request, options);
  }

  startModern(request: OutgoingRequest, { onNotification = this.#connect.onNotification, sink }: StartOptions = {}): HttpCall {
    const id = this.#nextId++;
    const headers = this.mirrored.list(this.#modernBase, request.method, request.params);
    return new HttpCall(this, {
      id,
      request,
      body: this.#encodeModern(id, request),
      headers: () => headers,
      revision: MODERN_REVISION,
      sink,
      onNotification,
    });
  }

  /** Asks for a session. Nothing changes until it is adopted. */
  async initialize(timeoutMs: number): Promise<Opened | Refused> {
    const { client: info, capabilities } = this.#connect;
    const request = ownRequest('initialize', { params: initializeParams(info, capabilities), info, timeoutMs });
    const call = this.#startHandshake(request, () => [...this.#base], {});
    const opened = readInitialize(toOutcome(await call.answer));
    if (!('refused' in opened)) this.#initialized = { opened, id: call.openedSession };
    return opened;
  }

  /** Goes on in the way `opened` says. With handshake servers it confirms the session. */
  async adopt(opened: Opened): Promise<void> {
    this.#revision = opened.revision;
    if (!isHandshake(opened.revision)) return;
    this.id = this.#initialized?.id;
    this.#sessionHeaders = [
      ...this.#base,
      'mcp-protocol-version',
      opened.revision,
      ...(this.id === undefined ? [] : ['mcp-session-id', this.id]),
    ];
    await this.post(encodeNotification('notifications/initialized'));
  }

  /** Replaces a session the server does not know any more. All who notice at once share one attempt. */
  renew(lost: number): Promise<void> {
    if (lost !== this.generation) return Promise.resolve();
    return (this.#renewing ??= this.#reopen().finally(() => (this.#renewing = undefined)));
  }

  get sessionHeaders(): readonly string[] {
    return this.#sessionHeaders;
  }

  question(message: RequestMessage, ask: Ask | undefined = undefined, onEnd?: () => void): Cancellation | undefined {
    if (!isHandshake(this.#revision)) {
      this.onAnomaly(`a request "${message.method}", which modern servers must not send`);
      return undefined;
    }
    const { capabilities, ask: askOutside } = this.#connect;
    return this.#questions.take(message, capabilities === undefined ? undefined : (ask ?? askOutside), onEnd);
  }

  cancelQuestion(id: RawJson): boolean {
    return this.#questions.cancel(id);
  }

  /** Tells a handshake server that a request is given up; a modern one hears of it by its closed stream. */
  tellCancelled(requestId: number, reason: string): void {
    if (isHandshake(this.#revision))
      void this.post(encodeNotification('notifications/cancelled', RawJson.fromValue({ requestId, reason })));
  }

  /** Sends a message without an answer. Resolves when the server has taken it; a failure is an anomaly, no error. */
  post(body: Buffer): Promise<void> {
    return this.#post(body, this.#sessionHeaders);
  }

  /** The same for what a client says to a modern server. */
  postModern(notification: Notification, client: ClientProfile): Promise<void> {
    const headers = this.mirrored.list(this.#modernBase, notification.method, NO_PARAMS);
    return this.#post(encodeModernNotification(notification, client, this.#connect.client), headers);
  }

  async #post(body: Buffer, headers: string[]): Promise<void> {
    const failure = await this.#deliver({ method: 'POST', headers, body }, this.#connect.handshakeMs);
    if (failure !== undefined) this.onAnomaly(`a message without an answer was not taken: ${failure}`);
  }

  /** Ends the session on the server, if there is one. Resolves also when the server does not answer in time. */
  async end(timeoutMs: number): Promise<void> {
    this.#questions.close('The connection is closed');
    if (this.id !== undefined) await this.#deliver({ method: 'DELETE', headers: this.#sessionHeaders }, timeoutMs);
  }

  // Resolves with the reason when the server does not take it.
  #deliver(request: Parameters<HttpClient['send']>[0], timeoutMs: number): Promise<string | undefined> {
    return new Promise((resolve) => {
      const settle = (failure?: string) => {
        stop();
        resolve(failure);
      };
      const stop = this.clock.after(timeoutMs, () => {
        exchange.abort();
        resolve(`no answer in ${timeoutMs} ms`);
      });
      const exchange = this.client.send(request, {
        onBody: (status) => settle(status < 300 ? undefined : `HTTP ${status}`),
        onEvent: () => undefined,
        onStreamEnd: () => settle(),
        onFailure: ({ reason }) => settle(reason),
      });
    });
  }

  #startHandshake(request: OutgoingRequest, headers: () => string[], options: StartOptions): HttpCall {
    const { onNotification = this.#connect.onNotification, sink } = options;
    const id = this.#nextId++;
    return new HttpCall(this, {
      id,
      request,
      body: encodeHandshakeRequest(id, request),
      headers,
      revision: this.#revision,
      sink,
      onNotification,
    });
  }

  async #reopen(): Promise<void> {
    const opened = await this.initialize(this.#connect.handshakeMs);
    if ('refused' in opened) throw protocolFault(this.upstream, `its session was lost, and ${opened.refused}`);
    await this.adopt(opened);
    this.generation++;
    this.onRenewed();
  }
}
