import type { Answer, GatewayError, ResultSink, ResultSource } from '@signalbox/core';

/** Where the answer to one request goes. It ends once, by `answer`, `refuse` or `drop`; whatever follows is passed over. */
export interface Reply {
  /** Whether notifications can reach the caller ahead of the answer. */
  readonly takesNotifications: boolean;
  /** Sends one encoded notification or question ahead of the answer. Returns false when it did not go out that way. */
  notify(message: Buffer): boolean;
  /**
   * Begins an answer whose result still arrives, or begins it anew; absent where answers are sent whole.
   * @param head.maxBytes Length of the result in bytes, at most; `undefined` when only its end will tell.
   * @returns what takes the result, or `undefined` when it must come whole after all.
   */
  begin?(head: { readonly maxBytes: number | undefined }, source: ResultSource): ResultWriter | undefined;
  /** Ends the request with an outcome that has the shape of the caller's revision. What has begun to leave ends with `delivered` or is cut off. */
  answer(answer: Answer): void;
  /** Ends the request with a refusal of our own. */
  refuse(error: GatewayError): void;
  /** Ends the request without an answer, because its caller took it back. */
  drop(): void;
}

/** The open end of an answer that was begun. */
export type ResultWriter = Pick<ResultSink, 'write' | 'isBegun' | 'isFull'>;
