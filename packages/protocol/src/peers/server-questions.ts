import { Cancellation, GatewayError, RawJson, toGatewayError, type Ask, type Notification, type RpcError } from '@signalbox/core';
import { encodeError, encodeNotification, encodeOutcome, encodeResult, joinParams } from '../messages/encode.ts';
import type { RequestMessage } from '../messages/message.ts';

/** What a server may ask at once over one connection. */
const MAX_OPEN = 256;
const EMPTY_RESULT = RawJson.fromValue({});
const METHOD_NOT_FOUND = -32601;

/** Requests of a handshake server to its client, on their way to whoever can answer them. */
export class ServerQuestions {
  readonly #send: (message: Buffer) => void;
  readonly #open = new Map<string, Cancellation>();

  /** @param send Takes encoded messages for the server. */
  constructor(send: (message: Buffer) => void) {
    this.#send = send;
  }

  /**
   * Takes a request of the server and answers it, in time.
   * @param ask Brings it to the client; without it the server is told that this client cannot be asked.
   * @returns what ends the question when its call is over; `undefined` when it is answered already.
   */
  take({ id, method, params }: RequestMessage, ask: Ask | undefined, onEnd: () => void = () => undefined): Cancellation | undefined {
    if (method === 'ping') {
      this.#send(encodeResult(id, EMPTY_RESULT));
      return undefined;
    }
    if (ask === undefined || this.#open.size >= MAX_OPEN) {
      this.#send(encodeError(id, { code: METHOD_NOT_FOUND, message: `Cannot answer "${method}": this client did not declare it` }));
      return undefined;
    }
    const key = id.bytes.toString('utf8');
    const cancellation = new Cancellation();
    this.#open.set(key, cancellation);
    const emit = ({ method: name, params: about }: Notification) => {
      if (this.#open.has(key)) this.#send(encodeNotification(name, about));
    };
    const end = (message: () => Buffer) => {
      onEnd();
      // A question the server took back wants no answer.
      if (this.#open.get(key) === cancellation && this.#open.delete(key) && !cancellation.isCancelled) this.#send(message());
    };
    ask({ method, params: params.size === 0 ? undefined : joinParams(params), cancellation, emit }).then(
      (outcome) => end(() => encodeOutcome(id, outcome)),
      (error: unknown) => end(() => encodeError(id, toServerError(error))),
    );
    return cancellation;
  }

  /** The server takes a question back. Returns false when it is not open. */
  cancel(id: RawJson): boolean {
    const cancellation = this.#open.get(id.bytes.toString('utf8'));
    cancellation?.cancel('The server no longer needs the answer');
    return cancellation !== undefined;
  }

  /** Takes all questions back, as nobody waits for their answers any more. */
  close(reason: string): void {
    for (const cancellation of this.#open.values()) cancellation.cancel(reason);
    this.#open.clear();
  }
}

// Servers of these revisions know the code of JSON-RPC for what a client does not do.
function toServerError(thrown: unknown): RpcError {
  const error = toGatewayError(thrown);
  const { message, code, data } = error.toRpc();
  return error instanceof GatewayError && error.code === 'MISSING_CAPABILITY'
    ? { code: METHOD_NOT_FOUND, message, data }
    : { code, message, data };
}
